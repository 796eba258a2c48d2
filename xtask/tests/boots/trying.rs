//! From a patch to an answer in one command.

use super::sandbox::TestCheckout;

/// A patch for the source of all plans, as it comes by mail.
fn mail(subject: &str, limit: &str) -> String {
    format!(
        "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n\
         From: A Developer <developer@example.org>\n\
         Date: Fri, 27 Nov 2026 10:00:00 +0000\n\
         Subject: {subject}\n\
         \n\
         A large request keeps the server from answering a small one.\n\
         ---\n \
         fs/fuse/file.c | 2 +-\n \
         1 file changed, 1 insertion(+), 1 deletion(-)\n\
         \n\
         diff --git a/fs/fuse/file.c b/fs/fuse/file.c\n\
         --- a/fs/fuse/file.c\n\
         +++ b/fs/fuse/file.c\n\
         @@ -1588,7 +1588,7 @@ ssize_t fuse_direct_io(struct fuse_io_priv *io, struct iov_iter *iter,\n \
         \tstruct inode *inode = mapping->host;\n \
         \tstruct fuse_file *ff = file->private_data;\n \
         \tstruct fuse_conn *fc = ff->fm->fc;\n\
         -\tsize_t nmax = write ? fc->max_write : fc->max_read;\n\
         +\tsize_t nmax = min_t(size_t, write ? fc->max_write : fc->max_read, {limit});\n \
         \tloff_t pos = *ppos;\n \
         \tsize_t count = iov_iter_count(iter);\n \
         \tpgoff_t idx_from = pos >> PAGE_SHIFT;\n\
         -- \n\
         2.39.5\n"
    )
}

/// The answer names the series and what it does; the same command again builds nothing and says the same; a second version is
/// compared with the first one.
#[test]
fn a_mail_is_tried_without_an_edit() {
    let sandbox = TestCheckout::new("");
    let lab_toml = || std::fs::read(sandbox.folder().join("lab.toml")).expect("lab.toml");
    let before = lab_toml();
    let write = |name: &str, text: String| {
        std::fs::write(sandbox.folder().join(name), text).expect("a mail");
    };
    write("v1.mbox", mail("[PATCH] fuse: small requests", "65536"));
    write("v2.mbox", mail("[PATCH v2] fuse: small requests", "32768"));
    let of = |file| ["try", file, "--plan", "ci", "--scenarios", "remote", "--workloads", "small-dd-read"];

    let run = sandbox.lab(&of("v1.mbox"));
    run.expect_code_in(&[0, 1]);
    assert!(run.stderr.contains("the series applies to it"), "{run}");
    assert!(run.stdout.contains("fuse-small-requests against "), "{run}");
    assert_eq!(run.stdout, sandbox.lab(&["compare"]).stdout, "nothing but the answer");

    let again = sandbox.lab(&of("v1.mbox"));
    assert!(again.stderr.contains("kernel-patches/fuse-small-requests has these patches already"), "{again}");
    assert!(!again.stderr.contains("building kernel"), "{again}");
    assert_eq!(again.stdout, run.stdout.replace("-small-requests-1 ", "-small-requests-2 "));

    let second = sandbox.lab(&of("v2.mbox"));
    second.expect_code_in(&[0, 1]);
    for name in ["fuse-small-requests", "fuse-small-requests-v2"] {
        assert!(second.stdout.contains(&format!("{name} against ")), "{name}: {second}");
    }
    assert_eq!(lab_toml(), before);

    // What applies to nothing is said with place and cause, and its folder stays for whoever wants to mend it.
    write(
        "v3.mbox",
        mail("[PATCH v3] fuse: small requests", "16384").replace("pgoff_t idx_from", "pgoff_t other"),
    );
    let third = sandbox.lab(&of("v3.mbox"));
    third.expect_code_in(&[3]);
    assert!(third.stderr.contains("the series does not apply to linux-source-6.12"), "{third}");
    assert!(third.stderr.contains("it lies in kernel-patches/fuse-small-requests-v3"), "{third}");
}
