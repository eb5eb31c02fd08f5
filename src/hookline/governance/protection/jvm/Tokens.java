package io.hookline;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.Base64;
import java.util.Locale;
import java.util.concurrent.ConcurrentHashMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The token of a text: what governance/protection/normal.py and governance/crypto/tokens.py do, in the JVM.
 *
 * It carries a key's name and version and where to find it, never the key: that is read where the function runs, from a
 * key file or a variable, and kept for a while. Compiled by Spark's own compiler (Janino) at run time, hence without
 * generics and lambdas.
 */
public final class Tokens implements org.apache.spark.sql.api.java.UDF1, java.io.Serializable {
    private static final long serialVersionUID = 1L;
    private static final ConcurrentHashMap KEYS = new ConcurrentHashMap();

    private final String provider;
    private final String place;
    private final String name;
    private final int version;
    private final byte[] info;
    private final String salt;
    private final String blanks;
    private final String punctuation;
    private final boolean nfkc;
    private final boolean trim;
    private final boolean lower;
    private final boolean compact;
    private final long keptMillis;
    private transient volatile Object[] held;

    public Tokens(String provider, String place, String name, Integer version, byte[] info, String salt, String blanks,
            String punctuation, String steps, String keptMillis) {
        this.provider = provider;
        this.place = place;
        this.name = name;
        this.version = version.intValue();
        this.info = info;
        this.salt = salt;
        this.blanks = blanks;
        this.punctuation = punctuation;
        this.nfkc = steps.indexOf("nfkc") >= 0;
        this.trim = steps.indexOf("trim") >= 0;
        this.lower = steps.indexOf("lower") >= 0;
        this.compact = steps.indexOf("compact") >= 0;
        this.keptMillis = Long.parseLong(keptMillis);
    }

    public Object call(Object value) throws Exception {
        if (value == null) {
            return null;
        }
        byte[] text = normal((String) value).getBytes(StandardCharsets.UTF_8);
        byte[] code = mac().doFinal(text);
        return "t" + this.version + "." + Base64.getUrlEncoder().withoutPadding().encodeToString(code);
    }

    private String normal(String text) {
        boolean ascii = true;
        for (int i = 0; i < text.length() && ascii; i++) {
            ascii = text.charAt(i) < 128;
        }
        if (this.nfkc && !ascii) {
            text = Normalizer.normalize(text, Normalizer.Form.NFKC);
        }
        if (this.trim) {
            int start = 0;
            int end = text.length();
            while (start < end && this.blanks.indexOf(text.charAt(start)) >= 0) {
                start++;
            }
            while (end > start && this.blanks.indexOf(text.charAt(end - 1)) >= 0) {
                end--;
            }
            text = text.substring(start, end);
        }
        if (this.lower) {
            text = text.toLowerCase(Locale.ROOT);
        }
        if (this.compact) {
            StringBuilder kept = new StringBuilder(text.length());
            for (int i = 0; i < text.length(); i++) {
                char one = text.charAt(i);
                if (this.punctuation.indexOf(one) < 0) {
                    kept.append(one);
                }
            }
            text = kept.toString();
        }
        return text;
    }

    /** One per thread that uses this function: a Mac has a state. What is held is replaced as a whole. */
    private Mac mac() throws Exception {
        Object[] mine = this.held;
        if (mine != null && mine[1] == Thread.currentThread() && System.currentTimeMillis() < ((Long) mine[2]).longValue()) {
            return (Mac) mine[0];
        }
        Mac made = Mac.getInstance("HmacSHA256");
        made.init(new SecretKeySpec(derived(), "HmacSHA256"));
        Long until = Long.valueOf(System.currentTimeMillis() + this.keptMillis);
        this.held = new Object[] {made, Thread.currentThread(), until};
        return made;
    }

    /** HKDF-SHA256 (RFC 5869) to one block. */
    private byte[] derived() throws Exception {
        Mac hash = Mac.getInstance("HmacSHA256");
        hash.init(new SecretKeySpec(this.salt.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
        byte[] pseudorandom = hash.doFinal(material());
        hash.init(new SecretKeySpec(pseudorandom, "HmacSHA256"));
        hash.update(this.info);
        hash.update((byte) 1);
        return hash.doFinal();
    }

    private byte[] material() throws Exception {
        String id = this.provider + " " + this.place + " " + this.name + " " + this.version;
        long now = System.currentTimeMillis();
        Object[] known = (Object[]) KEYS.get(id);
        if (known != null && now < ((Long) known[0]).longValue()) {
            return (byte[]) known[1];
        }
        byte[] found = "environment".equals(this.provider) ? fromEnvironment() : fromFile();
        if (found == null || found.length != 32) {
            throw new IllegalStateException("hookline: version " + this.version + " of the key " + this.name
                    + " is not to be had on this executor");
        }
        KEYS.put(id, new Object[] {Long.valueOf(now + this.keptMillis), found});
        return found;
    }

    private byte[] fromEnvironment() {
        String stem = this.place + this.name.toUpperCase(Locale.ROOT).replace('-', '_');
        String text = System.getenv(stem + "_" + this.version);
        if (text == null && this.version == 1) {
            text = System.getenv(stem);
        }
        return text == null ? null : decoded(text);
    }

    private byte[] fromFile() {
        com.fasterxml.jackson.databind.JsonNode key;
        try {
            key = new com.fasterxml.jackson.databind.ObjectMapper().readTree(new File(this.place));
        } catch (Exception error) {
            // Its message may quote the file.
            throw new IllegalStateException("hookline: the key file can't be read on this executor");
        }
        String[] names = {"keys", this.name, "versions", String.valueOf(this.version), "material"};
        for (int i = 0; i < names.length; i++) {
            // The compiler takes the method of its interface, which gives the interface.
            key = (com.fasterxml.jackson.databind.JsonNode) key.path(names[i]);
        }
        return key.isTextual() ? decoded(key.textValue()) : null;
    }

    private static byte[] decoded(String text) {
        try {
            return Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException error) {
            return null;
        }
    }
}
