package io.hookline;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.HadoopReadOptions;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.crypto.ParquetCryptoRuntimeException;
import org.apache.parquet.crypto.keytools.KeyToolkit;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.hadoop.util.HadoopInputFile;

/**
 * What Parquet's modular encryption asks of a key management service, answered with our keys; and a look at files that
 * were written with it.
 *
 * A file carries its data keys wrapped, each with the name and version of the key that opens it (customers/2). That key is
 * found where this runs: in a key file, in a variable, or by Python where AWS keeps it. The settings name it and never
 * hold it. Compiled by Spark's own compiler (Janino) at run time, hence without generics and lambdas.
 */
public final class AtRest implements org.apache.parquet.crypto.keytools.KmsClient {
    private static final ConcurrentHashMap KEYS = new ConcurrentHashMap();
    private static final long HELPER_SECONDS = 60L;
    private static final int LOOKING_AT_ONCE = 8;

    private String provider;
    private String place;
    private String python;
    private String request;
    private String purpose;
    private String salt;
    private long keptMillis;

    public void initialize(Configuration conf, String instance, String url, String token) {
        this.provider = conf.get("hookline.keys.provider", "");
        this.place = conf.get("hookline.keys.place", "");
        this.python = conf.get("hookline.keys.python", "");
        this.request = conf.get("hookline.keys.request", "");
        this.purpose = conf.get("hookline.keys.purpose", "");
        this.salt = conf.get("hookline.keys.salt", "");
        this.keptMillis = conf.getLong("hookline.keys.kept.ms", 0L);
        if (this.provider.length() == 0) {
            throw new ParquetCryptoRuntimeException("hookline: nobody says where keys are kept (hookline.keys.provider)");
        }
    }

    public String wrapKey(byte[] key, String id) {
        return KeyToolkit.encryptKeyLocally(key, derived(id), id.getBytes(StandardCharsets.UTF_8));
    }

    public byte[] unwrapKey(String wrapped, String id) {
        byte[] key = derived(id);
        try {
            return KeyToolkit.decryptKeyLocally(wrapped, key, id.getBytes(StandardCharsets.UTF_8));
        } catch (RuntimeException error) {
            throw new ParquetCryptoRuntimeException("hookline: the key " + id + " that is to be had here does not open this"
                    + " file: it was encrypted with another one of this name, or was changed");
        }
    }

    /** HKDF-SHA256 (RFC 5869) to one block. */
    private byte[] derived(String id) {
        int cut = id.lastIndexOf('/');
        if (cut < 1 || !id.substring(cut + 1).matches("[1-9][0-9]{0,8}")) {
            throw new ParquetCryptoRuntimeException("hookline: this file is encrypted with a key that is none of ours");
        }
        byte[] material = material(id, id.substring(0, cut), id.substring(cut + 1));
        try {
            Mac hash = Mac.getInstance("HmacSHA256");
            hash.init(new SecretKeySpec(this.salt.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
            byte[] pseudorandom = hash.doFinal(material);
            hash.init(new SecretKeySpec(pseudorandom, "HmacSHA256"));
            hash.update(Base64.getDecoder().decode(this.purpose));
            hash.update((byte) 1);
            return hash.doFinal();
        } catch (java.security.GeneralSecurityException error) {
            throw new ParquetCryptoRuntimeException("hookline: this JVM has no HMAC-SHA256");
        }
    }

    private byte[] material(String id, String name, String version) {
        String known = this.provider + " " + this.place + " " + this.request + " " + id;
        long now = System.currentTimeMillis();
        Object[] kept = (Object[]) KEYS.get(known);
        if (kept != null && now < ((Long) kept[0]).longValue()) {
            return (byte[]) kept[1];
        }
        byte[] found;
        if ("environment".equals(this.provider)) {
            found = fromEnvironment(name, version);
        } else if ("file".equals(this.provider)) {
            found = fromFile(name, version);
        } else {
            found = byPython(id, name, version);
        }
        if (found == null || found.length != 32) {
            throw new ParquetCryptoRuntimeException("hookline: version " + version + " of the key " + name
                    + " is not to be had here: it was destroyed, or never there");
        }
        KEYS.put(known, new Object[] {Long.valueOf(now + this.keptMillis), found});
        return found;
    }

    private byte[] fromEnvironment(String name, String version) {
        String stem = this.place + name.toUpperCase(Locale.ROOT).replace('-', '_');
        String text = System.getenv(stem + "_" + version);
        if (text == null && "1".equals(version)) {
            text = System.getenv(stem);
        }
        return text == null ? null : decoded(text);
    }

    private byte[] fromFile(String name, String version) {
        com.fasterxml.jackson.databind.JsonNode key;
        try {
            key = new com.fasterxml.jackson.databind.ObjectMapper().readTree(new File(this.place));
        } catch (Exception error) {
            // Its message may quote the file.
            throw new ParquetCryptoRuntimeException("hookline: the key file can't be read here");
        }
        String[] names = {"keys", name, "versions", version, "material"};
        for (int i = 0; i < names.length; i++) {
            // The compiler takes the method of its interface, which gives the interface.
            key = (com.fasterxml.jackson.databind.JsonNode) key.path(names[i]);
        }
        return key.isTextual() ? decoded(key.textValue()) : null;
    }

    /** AWS is spoken to by Python, which knows all the ways to an identity there. The key comes through a pipe. */
    private byte[] byPython(String id, String name, String version) {
        Process process = null;
        try {
            ProcessBuilder builder = new ProcessBuilder(new String[] {this.python, "-m", "hookline.governance.keys.lend"});
            process = builder.start();
            byte[] asked = (name + "\n" + version + "\n" + this.request).getBytes(StandardCharsets.UTF_8);
            process.getOutputStream().write(asked);
            process.getOutputStream().close();
            if (!process.waitFor(HELPER_SECONDS, TimeUnit.SECONDS)) {
                throw new ParquetCryptoRuntimeException("hookline: the keeper of the key " + id + " gave no answer within "
                        + HELPER_SECONDS + " seconds");
            }
            if (process.exitValue() != 0) {
                String told = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8).trim();
                String last = told.substring(told.lastIndexOf('\n') + 1);
                throw new ParquetCryptoRuntimeException("hookline: the key " + id + " is not to be had here: " + last);
            }
            return decoded(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim());
        } catch (java.io.IOException error) {
            throw new ParquetCryptoRuntimeException("hookline: the key " + id + " is asked for by Python, and " + this.python
                    + " can't be started here");
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new ParquetCryptoRuntimeException("hookline: asking for the key " + id + " was interrupted");
        } finally {
            if (process != null) {
                process.destroyForcibly();
            }
        }
    }

    private static byte[] decoded(String text) {
        try {
            return Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException error) {
            return null;
        }
    }

    /**
     * How many rows files hold; fails when one is not encrypted as it is to be, or can't be opened with our keys.
     *
     * @param columns the Parquet paths of the columns that have to be encrypted
     */
    public static long rows(final Configuration conf, String[] files, final String[] columns, final boolean plainFooter)
            throws Exception {
        conf.setClassLoader(AtRest.class.getClassLoader());
        ExecutorService pool = Executors.newFixedThreadPool(LOOKING_AT_ONCE);
        try {
            List looks = new ArrayList();
            for (int i = 0; i < files.length; i++) {
                final String file = files[i].startsWith("/") ? "file://" + files[i] : files[i];
                looks.add(pool.submit(new Callable() {
                    public Object call() throws Exception {
                        return Long.valueOf(rowsOf(conf, new Path(file), columns, plainFooter));
                    }
                }));
            }
            long found = 0L;
            for (int i = 0; i < looks.size(); i++) {
                found += ((Long) ((Future) looks.get(i)).get()).longValue();
            }
            return found;
        } finally {
            pool.shutdownNow();
        }
    }

    private static long rowsOf(Configuration conf, Path file, String[] columns, boolean plainFooter) throws Exception {
        HadoopInputFile input = HadoopInputFile.fromPath(file, conf);
        boolean opened = true;
        try {
            // As somebody without keys sees it.
            ParquetFileReader reader = ParquetFileReader.open(input, ParquetReadOptions.builder().build());
            reader.close();
        } catch (ParquetCryptoRuntimeException error) {
            opened = false;
        }
        if (opened != plainFooter) {
            throw new IllegalStateException("hookline: the footer of " + file.getName() + " is "
                    + (opened ? "not encrypted" : "encrypted, and was to be plain"));
        }
        ParquetFileReader reader = ParquetFileReader.open(input, HadoopReadOptions.builder(conf, file).build());
        try {
            List blocks = reader.getFooter().getBlocks();
            for (int i = 0; i < blocks.size(); i++) {
                check(file, ((BlockMetaData) blocks.get(i)).getColumns(), columns);
            }
            return reader.getRecordCount();
        } finally {
            reader.close();
        }
    }

    private static void check(Path file, List chunks, String[] columns) {
        for (int i = 0; i < columns.length; i++) {
            boolean encrypted = false;
            for (int j = 0; j < chunks.size(); j++) {
                ColumnChunkMetaData chunk = (ColumnChunkMetaData) chunks.get(j);
                encrypted = encrypted || (chunk.getPath().toDotString().equals(columns[i]) && chunk.isEncrypted());
            }
            if (!encrypted) {
                throw new IllegalStateException("hookline: the column " + columns[i] + " is not encrypted in " + file.getName());
            }
        }
    }
}
