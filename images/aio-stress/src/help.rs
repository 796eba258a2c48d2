//! What `--help` prints.

/// The options, and what is worth knowing before the first run.
pub const HELP: &str = "\
Puts native asynchronous I/O on files: each is written and read in records, many at a time.

Usage: aio-stress [options] FILE...

  -a SIZE   alignment of buffers and random offsets (k; 4)
  -b N      most requests in one io_submit(2) (files x contexts x -i)
  -c N      operations per file, each with its own descriptor and offset (1)
  -C SIZE   offset between these operations (m; 2)
  -s SIZE   size of the files (m; 1024)
  -r SIZE   size of a record (k; 64)
  -d N      most pending requests per operation (64)
  -i N      requests of one operation before the next gets its turn (8)
  -I N      most turns of all operations per stage (no limit)
  -o N      add a stage: 0 write, 1 read, 2 random write, 3 random read (all four)
  -O        open the files with O_DIRECT
  -S        open the files with O_SYNC
  -n        no fsync(2) after a stage
  -l        print the latencies of io_submit(2)
  -L        print the latencies of completions
  -m KIND   memory for the buffers: shm or shmfs instead of private pages
  -t N      threads (1)
  -u        unlink the files at the end
  -v        verify what is read; it must have been written with -v
  -x        do not stop all threads of a stage with the first one that is done
  -h        print this
  --check-stamps
            as -v, with the offset of each word of eight bytes in it, 0xa5 on top; buffers are filled with
            0xee before each read, and looked at as soon as it has ended; completions are asked for after
            each submission
  --json FILE
            write the results to FILE, latencies included; - is standard output

Sizes may end with g, m, k or b; the letter in brackets is what a bare number means, and the number the default.
1 MB is 2^20 bytes. Stages run in the order of their numbers. Any failed or short transfer but one at the end of
the file ends the run with exit code 1, and so does a read stage that finds no data.
";
