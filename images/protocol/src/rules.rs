//! What settings have to keep to beyond their types: one rule for the host that reads them and the server that gets
//! them.

use std::fmt;

use crate::{Effect, Fault, FaultOperation, ReplyOrder, ServerSettings};

/// What is wrong with a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultMistake {
    /// It has an offset, but the operation none.
    Offset,
    /// It shortens an operation that moves no data.
    Short,
}

impl fmt::Display for FaultMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let only = "works with the operations data, read and write only; remove it, or change the operation";
        match self {
            FaultMistake::Offset => f.write_str(only),
            FaultMistake::Short => write!(f, "`short` {only}"),
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
        if self.operation.moves_data() {
            return Ok(());
        }
        if self.offset_kib.is_some() {
            return Err(FaultMistake::Offset);
        }
        match self.effect {
            Effect::Short { .. } => Err(FaultMistake::Short),
            Effect::Eio | Effect::Delay { .. } | Effect::Hang | Effect::Die => Ok(()),
        }
    }
}

impl ServerSettings {
    /// Checks that answers are collected if and only if they go out in another order.
    ///
    /// # Errors
    /// What is wrong with `reply_window_us`, with the remedy.
    pub fn check_reply_window(&self) -> Result<(), &'static str> {
        match (self.reply_order, self.reply_window_us) {
            (ReplyOrder::Done, 1..) => {
                Err("answers that go out when they are done are not collected; use 0, or set reply-order")
            }
            (ReplyOrder::Reversed | ReplyOrder::Random, 0) => {
                Err("another order needs time to collect answers in; use more than 0, e.g. 500")
            }
            (ReplyOrder::Done, 0) | (ReplyOrder::Reversed | ReplyOrder::Random, 1..) => Ok(()),
        }
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
        for data in DATA {
            check(data, Some(640), short, Ok(()));
            check(data, None, Effect::Die, Ok(()));
        }
        for other in Fault::OPERATIONS.into_iter().filter(|name| !DATA.contains(name)) {
            for effect in [Effect::Eio, Effect::Delay { us: 1 }, Effect::Hang, Effect::Die] {
                check(other, None, effect, Ok(()));
                check(other, Some(0), effect, Err(FaultMistake::Offset));
            }
            check(other, None, short, Err(FaultMistake::Short));
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
