package io.hookline;

import java.io.File;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.text.Normalizer;
import java.util.Base64;
import java.util.Locale;
import java.util.concurrent.ConcurrentHashMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.objects.Invoke;
import org.apache.spark.sql.classic.ExpressionUtils$;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.ObjectType;
import org.apache.spark.unsafe.Platform;
import org.apache.spark.unsafe.types.UTF8String;
import scala.collection.immutable.Nil$;
import scala.collection.immutable.Seq;

/**
 * The token of a text: what governance/protection/normal.py and governance/crypto/tokens.py do, in the JVM.
 *
 * It carries a key's name and version and where to find it, never the key: that is read where the function runs, from a
 * key file or a variable, and kept for a while. Compiled by Spark's own compiler (Janino) at run time, hence without
 * generics and lambdas.
 *
 * It takes and gives texts as Spark holds them, in bytes of UTF-8. Its interface is the JDK's since Spark's generated code
 * names it, and is compiled in threads whose class loader may not know this class.
 */
public final class Tokens implements java.util.function.Function, java.io.Serializable {
    private static final long serialVersionUID = 2L;
    private static final String NAME = "hookline_tokenize";
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
    private final boolean[] blank;
    private final boolean[] between;
    // Not volatile: a thread takes only its own.
    private transient TokenWork held;

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
        this.blank = among(blanks);
        this.between = among(punctuation);
        this.keptMillis = Long.parseLong(keptMillis);
    }

    /** What plans show. */
    public String toString() {
        return NAME;
    }

    /** The tokens of a column, null where it is. */
    public Column of(Column texts) {
        Expression function = new Literal(this, new ObjectType(java.util.function.Function.class));
        Seq none = Nil$.MODULE$;
        Seq text = Nil$.MODULE$.$colon$colon(ExpressionUtils$.MODULE$.expression(texts));
        Expression tokens = new Invoke(function, "apply", DataTypes.StringType, text, none, true, false, true);
        return ExpressionUtils$.MODULE$.column(tokens);
    }

    public Object apply(Object value) {
        if (value == null) {
            return null;
        }
        TokenWork work = this.held;
        if (work == null || !work.goesOn()) {
            work = begun();
        }
        UTF8String text = (UTF8String) value;
        byte[] bytes;
        int start = 0;
        if (text.getBaseObject() instanceof byte[]) {
            bytes = (byte[]) text.getBaseObject();
            start = (int) (text.getBaseOffset() - Platform.BYTE_ARRAY_OFFSET);
        } else {
            bytes = text.getBytes();
        }
        int end = start + text.numBytes();
        if (!TokenWork.isAscii(bytes, start, end)) {
            bytes = normal(text.toString()).getBytes(StandardCharsets.UTF_8);
            return UTF8String.fromBytes(work.token(bytes, 0, bytes.length));
        }
        if (this.trim) {
            while (start < end && this.blank[bytes[start]]) {
                start++;
            }
            while (end > start && this.blank[bytes[end - 1]]) {
                end--;
            }
        }
        if (this.lower) {
            bytes = work.lower(bytes, start, end);
            end -= start;
            start = 0;
        }
        if (this.compact) {
            byte[] made = work.room(end - start);
            end = TokenWork.compact(bytes, start, end, made, this.between);
            bytes = made;
            start = 0;
        }
        return UTF8String.fromBytes(work.token(bytes, start, end - start));
    }

    private static boolean[] among(String letters) {
        boolean[] found = new boolean[128];
        for (int i = 0; i < letters.length(); i++) {
            if (letters.charAt(i) < 128) {
                found[letters.charAt(i)] = true;
            }
        }
        return found;
    }

    /** What is held is replaced as a whole: another thread may use this function as well. */
    private TokenWork begun() {
        try {
            TokenWork made = new TokenWork(derived(), this.version, System.currentTimeMillis() + this.keptMillis);
            this.held = made;
            return made;
        } catch (java.security.GeneralSecurityException error) {
            throw new IllegalStateException("hookline: this executor's Java lacks HMAC-SHA256");
        }
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

    /** HKDF-SHA256 (RFC 5869) to one block. */
    private byte[] derived() throws java.security.GeneralSecurityException {
        Mac hash = Mac.getInstance("HmacSHA256");
        hash.init(new SecretKeySpec(this.salt.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
        byte[] pseudorandom = hash.doFinal(material());
        hash.init(new SecretKeySpec(pseudorandom, "HmacSHA256"));
        hash.update(this.info);
        hash.update((byte) 1);
        return hash.doFinal();
    }

    private byte[] material() throws java.security.GeneralSecurityException {
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

/** A thread's means to make tokens, with the key in them. */
final class TokenWork {
    // SHA-256's block and its result, in bytes.
    private static final int BLOCK = 64;
    private static final int CODE = 32;
    private static final int TURNS = 128;
    private static final boolean LITTLE = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
    // Base64url's letters for twelve bits.
    private static final char[] PAIRS = pairs();
    private static final long LOW = 0xffffffffL;
    private static final long HIGHEST = 0x8080808080808080L;
    // What makes a byte of ASCII reach the highest bit from 'A' on, and from after 'Z' on.
    private static final long UP_TO_A = 0x3f3f3f3f3f3f3f3fL;
    private static final long UP_TO_Z = 0x2525252525252525L;

    private final Thread thread = Thread.currentThread();
    private final long until;
    private final MessageDigest inner;
    private final MessageDigest outer;
    private final byte[] prefix;
    private final byte[] code = new byte[CODE];
    private byte[] bytes = new byte[256];
    private int turns = TURNS;

    TokenWork(byte[] key, int version, long until) throws java.security.GeneralSecurityException {
        this.until = until;
        this.prefix = ("t" + version + ".").getBytes(StandardCharsets.US_ASCII);
        this.inner = begun(key, 0x36);
        this.outer = begun(key, 0x5c);
    }

    /** Whether the thread is this one, and the key not too old; the clock is not asked each time. */
    boolean goesOn() {
        if (this.thread != Thread.currentThread()) {
            return false;
        }
        if (--this.turns > 0) {
            return true;
        }
        this.turns = TURNS;
        return System.currentTimeMillis() < this.until;
    }

    /** Of a size that is enough for so many bytes; what was given before is no more of use. */
    byte[] room(int size) {
        if (this.bytes.length < size) {
            this.bytes = new byte[Math.max(size, Math.min(2 * size, 1 << 20))];
        }
        return this.bytes;
    }

    static boolean isAscii(byte[] bytes, int start, int end) {
        long all = 0;
        int i = start;
        for (; i <= end - 8; i += 8) {
            all |= Platform.getLong(bytes, Platform.BYTE_ARRAY_OFFSET + i);
        }
        for (; i < end; i++) {
            all |= bytes[i];
        }
        return (all & HIGHEST) == 0;
    }

    /** ASCII in small letters, from the start of what is returned. Eight at once: 'A' to 'Z' get the bit of small letters. */
    byte[] lower(byte[] bytes, int start, int end) {
        byte[] made = room(end - start);
        int i = start;
        for (; i <= end - 8; i += 8) {
            long eight = Platform.getLong(bytes, Platform.BYTE_ARRAY_OFFSET + i);
            long big = (eight + UP_TO_A) & ~(eight + UP_TO_Z) & HIGHEST;
            Platform.putLong(made, Platform.BYTE_ARRAY_OFFSET + i - start, eight | big >>> 2);
        }
        for (; i < end; i++) {
            byte one = bytes[i];
            made[i - start] = one >= 'A' && one <= 'Z' ? (byte) (one | 0x20) : one;
        }
        return made;
    }

    /** ASCII without some letters, from the start of ``made``; returns its end there. It may be the same array. */
    static int compact(byte[] bytes, int start, int end, byte[] made, boolean[] without) {
        int size = 0;
        for (int i = start; i < end; i++) {
            byte one = bytes[i];
            made[size] = one;
            size += without[one] ? 0 : 1;
        }
        return size;
    }

    byte[] token(byte[] text, int start, int size) {
        code(text, start, size);
        int place = this.prefix.length;
        byte[] token = new byte[place + 43];
        System.arraycopy(this.prefix, 0, token, 0, place);
        // Read by fours, as SHA-256 has written them: a processor waits where it is to read what two writes have left.
        long a = (long) big(0) << 32 | big(4) & LOW;
        long b = (long) big(8) << 32 | big(12) & LOW;
        long c = (long) big(16) << 32 | big(20) & LOW;
        long d = (long) big(24) << 32 | big(28) & LOW;
        put(token, place, a >>> 16);
        put(token, place + 8, a << 32 | b >>> 32);
        put(token, place + 16, b << 16 | c >>> 48);
        put(token, place + 24, c);
        put(token, place + 32, d >>> 16);
        // Two bytes are left: two letters of twelve bits, and one of four.
        int last = (int) d & 0xffff;
        token[place + 40] = (byte) (PAIRS[last >>> 4] >>> 8);
        token[place + 41] = (byte) PAIRS[last >>> 4];
        token[place + 42] = (byte) PAIRS[(last & 0xf) << 2];
        return token;
    }

    /** Four bytes of the code, the first of them the highest. */
    private int big(int place) {
        int four = Platform.getInt(this.code, Platform.BYTE_ARRAY_OFFSET + place);
        return LITTLE ? Integer.reverseBytes(four) : four;
    }

    /** Eight letters, of the lower 48 bits. */
    private static void put(byte[] token, int place, long bits) {
        long eight = (long) PAIRS[(int) (bits >>> 36) & 0xfff] << 48 | (long) PAIRS[(int) (bits >>> 24) & 0xfff] << 32
                | (long) PAIRS[(int) (bits >>> 12) & 0xfff] << 16 | (long) PAIRS[(int) bits & 0xfff];
        Platform.putLong(token, Platform.BYTE_ARRAY_OFFSET + place, LITTLE ? Long.reverseBytes(eight) : eight);
    }

    private static char[] pairs() {
        String letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        char[] pairs = new char[1 << 12];
        for (int i = 0; i < pairs.length; i++) {
            pairs[i] = (char) (letters.charAt(i >>> 6) << 8 | letters.charAt(i & 0x3f));
        }
        return pairs;
    }

    /** HMAC from digests that have taken the key already: half the blocks of one that takes it each time. */
    private void code(byte[] text, int start, int size) {
        try {
            MessageDigest digest = (MessageDigest) this.inner.clone();
            digest.update(text, start, size);
            digest.digest(this.code, 0, CODE);
            digest = (MessageDigest) this.outer.clone();
            digest.update(this.code, 0, CODE);
            digest.digest(this.code, 0, CODE);
        } catch (CloneNotSupportedException error) {
            throw new IllegalStateException("hookline: this executor's SHA-256 can't be copied");
        } catch (java.security.DigestException error) {
            throw new IllegalStateException("hookline: this executor's SHA-256 is of another size");
        }
    }

    private static MessageDigest begun(byte[] key, int pad) throws java.security.GeneralSecurityException {
        byte[] block = new byte[BLOCK];
        System.arraycopy(key, 0, block, 0, key.length);
        for (int i = 0; i < BLOCK; i++) {
            block[i] = (byte) (block[i] ^ pad);
        }
        MessageDigest made = MessageDigest.getInstance("SHA-256");
        made.update(block, 0, BLOCK);
        return made;
    }
}
