//! What settings have to keep to beyond their types: one rule for the host that reads them and the server that gets
//! them.

use std::fmt;

use crate::{
    Behaviour, Effect, Fault, FaultOperation, Getxattr, MountOption, ReplyOrder, RingBuffers, ServerSettings,
    Transport,
};

/// What is wrong with a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultMistake {
    /// It has an offset, but the operation none.
    Offset,
    /// It shortens an operation that moves no data.
    Short,
    /// It makes the answer to an operation larger that moves no data.
    Oversize,
    /// The answer is larger by nothing.
    NothingMore,
    /// No answer can have this error.
    Errno(u16),
}

/// The largest error in an answer: the kernel breaks off at others, which are for itself (ERESTARTSYS and the like).
const LAST_ERRNO: u16 = 511;

impl FaultMistake {
    /// The key that the mistake is about.
    pub fn key(&self) -> &'static str {
        match self {
            FaultMistake::Offset => "offset-kib",
            FaultMistake::Short | FaultMistake::Oversize => "effect",
            FaultMistake::NothingMore => "bytes",
            FaultMistake::Errno(_) => "errno",
        }
    }
}

impl fmt::Display for FaultMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let only = "works with the operations data, read and write only; remove it, or change the operation";
        match self {
            FaultMistake::Offset => f.write_str(only),
            FaultMistake::Short => write!(f, "`short` {only}"),
            FaultMistake::Oversize => write!(f, "`oversize` {only}"),
            FaultMistake::NothingMore => f.write_str("0 bytes more are no fault; use at least 1"),
            FaultMistake::Errno(errno) => {
                write!(f, "{errno} is no error that a server can answer; use a number from 1 to {LAST_ERRNO}")
            }
        }
    }
}

impl Fault {
    /// The names that [`Fault::operation`] can have.
    pub const OPERATIONS: [&str; FaultOperation::NAMES.len()] = FaultOperation::NAMES;

    /// Checks what its keys cannot be blamed for one by one.
    ///
    /// # Errors
    /// If no request can ever meet the fault.
    pub fn check(&self) -> Result<(), FaultMistake> {
        let moves_data = self.operation.moves_data();
        if self.offset_kib.is_some() && !moves_data {
            return Err(FaultMistake::Offset);
        }
        match self.effect {
            Effect::Short { .. } if !moves_data => Err(FaultMistake::Short),
            Effect::Oversize { .. } if !moves_data => Err(FaultMistake::Oversize),
            Effect::Oversize { bytes: 0 } => Err(FaultMistake::NothingMore),
            Effect::Errno { errno } if !(1..=LAST_ERRNO).contains(&errno) => Err(FaultMistake::Errno(errno)),
            Effect::Eio
            | Effect::Errno { .. }
            | Effect::Short { .. }
            | Effect::Oversize { .. }
            | Effect::Delay { .. }
            | Effect::Hang
            | Effect::Die => Ok(()),
        }
    }
}

impl Behaviour {
    /// Checks what its types do not say.
    ///
    /// # Errors
    /// The first mistake with its key, and the remedy.
    pub fn check(&self) -> Result<(), String> {
        check_reply_window(self.reply_order, self.reply_window_us)
            .map_err(|message| format!("`reply-window-us`: {message}"))?;
        (1..).zip(&self.faults).try_for_each(|(number, fault)| {
            fault.check().map_err(|mistake| format!("fault {number}: `{}`: {mistake}", mistake.key()))
        })
    }
}

impl ServerSettings {
    /// Checks that answers are collected if and only if they go out in another order.
    ///
    /// # Errors
    /// What is wrong with `reply_window_us`, with the remedy.
    pub fn check_reply_window(&self) -> Result<(), &'static str> {
        check_reply_window(self.reply_order, self.reply_window_us)
    }

    /// Checks what settings that are good by themselves come to together.
    ///
    /// # Errors
    /// The key that is to be changed, and what is wrong with it, with the remedy.
    pub fn check_together(&self) -> Result<(), (&'static str, &'static str)> {
        let rings = self.transport != Transport::DevFuse;
        let mistakes = [
            (
                self.passthrough && self.writeback_cache,
                "passthrough",
                "the kernel has no FUSE_PASSTHROUGH together with FUSE_WRITEBACK_CACHE; switch one of them off",
            ),
            (
                self.passthrough && !self.storage.is_off(),
                "passthrough",
                "the kernel reads and writes the files by itself, past the storage that is modelled; use false, or storage \
                 without latency and limits",
            ),
            (
                self.passthrough && self.storage_null,
                "passthrough",
                "the kernel reads and writes the files by itself, so that their data is kept; use false, or storage-null = \
                 false",
            ),
            (
                self.storage_null && self.ring_buffers == RingBuffers::ZeroCopy,
                "ring-buffers",
                "zeros that are no file's have to be written somewhere; use \"own\" or a pool, or storage-null = false",
            ),
            (
                rings && self.splice,
                "splice",
                "requests that come through io_uring are in memory already; use false, or transport \"dev-fuse\"",
            ),
            (
                !self.default_permissions && self.writeback_cache,
                "default-permissions",
                "with writeback-cache the kernel sets times in the name of whoever writes, which the storage lets the owner \
                 do only; use true, or no writeback-cache",
            ),
            (
                !self.default_permissions
                    && self.init_flags.iter().any(|wish| wish.flag.name.starts_with("NO_OPEN")),
                "init-flags",
                "without OPEN nobody asks the storage whether a file may be opened; leave it out, or use \
                 default-permissions = true",
            ),
            (
                self.posix_acl && !self.default_permissions,
                "posix-acl",
                "the kernel decides by access control lists only with default-permissions; set that, or use false: the \
                 storage has its own",
            ),
            (
                self.posix_acl && self.getxattr == Getxattr::Enosys,
                "posix-acl",
                "the kernel reads access control lists by GETXATTR; set getxattr = \"passthrough\", or use false",
            ),
            (rings && self.ring_depth == 0, "ring-depth", "no request would ever come; use at least 1"),
        ];
        mistakes
            .into_iter()
            .find(|(wrong, ..)| *wrong)
            .map_or(Ok(()), |(_, key, message)| Err((key, message)))
    }

    /// Checks that the flags of the mount go together.
    ///
    /// # Errors
    /// What is wrong with `mount_options`, with the remedy.
    pub fn check_mount_options(&self) -> Result<(), String> {
        for (at, option) in self.mount_options.iter().enumerate() {
            if self.mount_options[..at].contains(option) {
                return Err(format!("`{}` is listed twice; list it once", option.name()));
            }
        }
        let times = [MountOption::Noatime, MountOption::Relatime, MountOption::Strictatime];
        let of_times = self.mount_options.iter().filter(|option| times.contains(option));
        match of_times.map(|option| option.name()).collect::<Vec<_>>()[..] {
            [first, second, ..] => {
                Err(format!("`{first}` and `{second}` exclude each other; use one of them"))
            }
            [] | [_] => Ok(()),
        }
    }
}

fn check_reply_window(order: ReplyOrder, window_us: u64) -> Result<(), &'static str> {
    match (order, window_us) {
        (ReplyOrder::Done, 1..) => {
            Err("answers that go out when they are done are not collected; use 0, or set reply-order")
        }
        (ReplyOrder::Reversed | ReplyOrder::Random, 0) => {
            Err("another order needs time to collect answers in; use more than 0, e.g. 500")
        }
        (ReplyOrder::Done, 0) | (ReplyOrder::Reversed | ReplyOrder::Random, 1..) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Times;

    /// Operations with an offset and data.
    const DATA: [&str; 3] = ["data", "read", "write"];

    #[test]
    fn faults_that_nothing_can_meet() {
        let check = |operation: &str, offset_kib, effect, expected| {
            let operation = operation.parse().unwrap();
            let fault = Fault { operation, offset_kib, after: 0, times: Times::Once, effect };
            assert_eq!(fault.check(), expected, "{fault:?}");
        };
        let short = Effect::Short { bytes: 1 };
        let (oversize, no_more) = (Effect::Oversize { bytes: 1 }, Effect::Oversize { bytes: 0 });
        for data in DATA {
            check(data, Some(640), short, Ok(()));
            check(data, Some(640), oversize, Ok(()));
            check(data, None, no_more, Err(FaultMistake::NothingMore));
            check(data, None, Effect::Die, Ok(()));
        }
        for other in Fault::OPERATIONS.into_iter().filter(|name| !DATA.contains(name)) {
            for effect in [Effect::Eio, Effect::Delay { us: 1 }, Effect::Hang, Effect::Die] {
                check(other, None, effect, Ok(()));
                check(other, Some(0), effect, Err(FaultMistake::Offset));
            }
            check(other, None, short, Err(FaultMistake::Short));
            check(other, None, oversize, Err(FaultMistake::Oversize));
        }
        for errno in [1, 28, 511] {
            check("fsync", None, Effect::Errno { errno }, Ok(()));
        }
        for errno in [0, 512, u16::MAX] {
            check("write", None, Effect::Errno { errno }, Err(FaultMistake::Errno(errno)));
        }
    }

    #[test]
    fn a_behaviour_keeps_to_the_same_rules() {
        let fault = |effect| Fault {
            operation: FaultOperation::DATA,
            offset_kib: None,
            after: 0,
            times: Times::Once,
            effect,
        };
        let check = |behaviour: &Behaviour, expected: Result<(), &str>| {
            assert_eq!(behaviour.check(), expected.map_err(str::to_owned), "{behaviour:?}");
        };
        check(&Behaviour::plain(), Ok(()));
        let faults = vec![fault(Effect::Die), fault(Effect::Errno { errno: 600 })];
        check(
            &Behaviour { faults, ..Behaviour::plain() },
            Err("fault 2: `errno`: 600 is no error that a server can answer; use a number from 1 to 511"),
        );
        check(
            &Behaviour { reply_order: ReplyOrder::Reversed, ..Behaviour::plain() },
            Err(
                "`reply-window-us`: another order needs time to collect answers in; use more than 0, e.g. 500",
            ),
        );
    }

    #[test]
    fn settings_that_do_not_go_together() {
        let plain = ServerSettings::example();
        let ring = ServerSettings { transport: Transport::IoUring, ring_depth: 1, ..plain.clone() };
        let through = ServerSettings { passthrough: true, ..plain.clone() };
        for good in [&plain, &ring, &through, &ServerSettings { splice: true, ..plain.clone() }] {
            assert_eq!(good.check_together(), Ok(()));
        }
        for (key, wrong) in [
            ("passthrough", ServerSettings { writeback_cache: true, ..through.clone() }),
            ("passthrough", ServerSettings { storage_null: true, ..through.clone() }),
            ("passthrough", through.with_latency_us(5)),
            (
                "ring-buffers",
                ServerSettings { storage_null: true, ring_buffers: RingBuffers::ZeroCopy, ..ring.clone() },
            ),
            ("splice", ServerSettings { splice: true, ..ring.clone() }),
            ("ring-depth", ServerSettings { ring_depth: 0, transport: Transport::IoUringOrDevFuse, ..ring }),
        ] {
            assert_eq!(wrong.check_together().unwrap_err().0, key);
        }
    }

    #[test]
    fn windows_belong_to_other_orders() {
        for (reply_order, reply_window_us, good) in [
            (ReplyOrder::Done, 0, true),
            (ReplyOrder::Done, 1, false),
            (ReplyOrder::Reversed, 0, false),
            (ReplyOrder::Reversed, 1, true),
            (ReplyOrder::Random, 0, false),
            (ReplyOrder::Random, u64::MAX, true),
        ] {
            let settings = ServerSettings { reply_order, reply_window_us, ..ServerSettings::example() };
            assert_eq!(settings.check_reply_window().is_ok(), good, "{reply_order:?} {reply_window_us}");
        }
    }
}
