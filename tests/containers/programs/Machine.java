import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32;

/** Threads that compute, a heap that is checked and collected, a file that grows: "tick N errors E" as long as all is right. */
public final class Machine {
    private static final int BLOCKS = 512;
    private static final int BLOCK = 64 << 10;
    private static final AtomicLong errors = new AtomicLong();

    public static void main(String[] arguments) throws Exception {
        List<byte[]> heap = new ArrayList<>();
        List<Long> sums = new ArrayList<>();
        for (int i = 0; i < BLOCKS; i++) {
            heap.add(block(i));
            sums.add(sum(heap.get(i)));
        }

        ConcurrentHashMap<Integer, Long> counted = new ConcurrentHashMap<>();
        for (int i = 0; i < 4; i++) {
            int number = i;
            Thread thread = new Thread(() -> count(number, counted), "counter-" + i);
            thread.setDaemon(true);
            thread.start();
        }

        RandomAccessFile file = new RandomAccessFile("/tmp/machine", "rw");
        long[] tick = {0};
        TreeMap<Long, String> tree = new TreeMap<>();
        var timer = Executors.newScheduledThreadPool(2);
        timer.scheduleAtFixedRate(() -> {
            try {
                long now = ++tick[0];
                int at = (int) (now % BLOCKS);
                check(sum(heap.get(at)) == sums.get(at), "block");
                // What was checked becomes garbage.
                heap.set(at, block(at + (int) now));
                sums.set(at, sum(heap.get(at)));
                tree.put(now, Long.toString(now));
                check(tree.size() == now && tree.get((now + 1) / 2).equals(Long.toString((now + 1) / 2)), "tree");
                file.write((now + "\n").getBytes(StandardCharsets.US_ASCII));
                if (now % 40 == 0) {
                    System.gc();
                    for (int i = 0; i < BLOCKS; i++) {
                        check(sum(heap.get(i)) == sums.get(i), "heap");
                    }
                    check(written(file) == now, "file");
                }
                check(counted.size() <= 4, "counters");
                System.out.println("tick " + now + " errors " + errors.get());
            } catch (Throwable e) {
                System.out.println("FAILED " + e);
                System.exit(1);
            }
        }, 0, 50, TimeUnit.MILLISECONDS);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("ended counters " + counted.size() + " errors " + errors.get())));
        Thread.sleep(Long.MAX_VALUE);
    }

    private static void count(int number, ConcurrentHashMap<Integer, Long> counted) {
        for (long n = 0; ; n++) {
            long before = counted.merge(number, 1L, Long::sum);
            check(before == n + 1, "counter");
            try {
                Thread.sleep(2);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private static byte[] block(int seed) {
        byte[] block = new byte[BLOCK];
        new java.util.Random(seed).nextBytes(block);
        return block;
    }

    private static long sum(byte[] block) {
        CRC32 crc = new CRC32();
        crc.update(block);
        return crc.getValue();
    }

    private static long written(RandomAccessFile file) throws Exception {
        long end = file.getFilePointer();
        byte[] all = new byte[(int) end];
        file.seek(0);
        file.readFully(all);
        return new String(all, StandardCharsets.US_ASCII).lines().count();
    }

    private static void check(boolean right, String what) {
        if (!right) {
            errors.incrementAndGet();
            System.out.println("FAILED " + what);
        }
    }
}
