//! Which requests a fault is about, by the names that settings use.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Operation;

/// READ and WRITE, or the requests of one kind, as long as the server answers that kind while it is mounted.
///
/// Written as the name of `include/uapi/linux/fuse.h` in lower case without `FUSE_` and with dashes, e.g. `read`,
/// `copy-file-range`; `data` for READ and WRITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FaultOperation(
    /// None for READ and WRITE.
    Option<Operation>,
);

/// No operation has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownOperation(pub String);

impl FaultOperation {
    /// All names: `data`, and what the kernel sends and the server answers.
    pub const NAMES: [&str; 1 + ANSWERED] = {
        let mut names = ["data"; 1 + ANSWERED];
        let (mut next, mut place) = (1, 0);
        while place < Operation::ALL.len() {
            if is_answered(Operation::ALL[place]) {
                names[next] = Operation::ALL[place].setting();
                next += 1;
            }
            place += 1;
        }
        names
    };

    /// READ and WRITE.
    pub const DATA: FaultOperation = FaultOperation(None);

    /// As it is written in settings.
    pub fn name(self) -> &'static str {
        self.0.map_or("data", Operation::setting)
    }

    /// Whether requests of this kind are meant.
    pub fn includes(self, operation: Operation) -> bool {
        match self.0 {
            // The kernel decides in which of its two forms it asks for a copy.
            Some(Operation::CopyFileRange) => {
                [Operation::CopyFileRange, Operation::CopyFileRange64].contains(&operation)
            }
            Some(one) => one == operation,
            None => moves_data(operation),
        }
    }

    /// Whether all that is meant has an offset and data.
    pub fn moves_data(self) -> bool {
        self.0.is_none_or(moves_data)
    }
}

const ANSWERED: usize = {
    let (mut count, mut place) = (0, 0);
    while place < Operation::ALL.len() {
        count += is_answered(Operation::ALL[place]) as usize;
        place += 1;
    }
    count
};

/// FORGET, BATCH_FORGET, INTERRUPT and NOTIFY_REPLY have no answer, INIT comes before there is a mount and DESTROY after it.
const fn is_answered(operation: Operation) -> bool {
    use Operation::{BatchForget, Destroy, Forget, Init, Interrupt, NotifyReply};
    !matches!(operation, BatchForget | Destroy | Forget | Init | Interrupt | NotifyReply)
}

fn moves_data(operation: Operation) -> bool {
    [Operation::Read, Operation::Write].contains(&operation)
}

impl FromStr for FaultOperation {
    type Err = UnknownOperation;

    fn from_str(name: &str) -> Result<Self, UnknownOperation> {
        if name == FaultOperation::DATA.name() {
            return Ok(FaultOperation::DATA);
        }
        let is_called = |operation: &&Operation| is_answered(**operation) && operation.setting() == name;
        let found = Operation::ALL.iter().find(is_called);
        found.map(|one| FaultOperation(Some(*one))).ok_or_else(|| UnknownOperation(name.to_owned()))
    }
}

impl TryFrom<String> for FaultOperation {
    type Error = UnknownOperation;

    fn try_from(name: String) -> Result<Self, UnknownOperation> {
        name.parse()
    }
}

impl From<FaultOperation> for String {
    fn from(operation: FaultOperation) -> String {
        operation.name().to_owned()
    }
}

impl fmt::Display for FaultOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for UnknownOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = FaultOperation::NAMES.join(", ");
        write!(f, "there is no operation `{}`; there are: {known}", self.0.escape_debug())
    }
}

impl std::error::Error for UnknownOperation {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_their_operations() {
        for name in FaultOperation::NAMES {
            let operation: FaultOperation = name.parse().unwrap();
            assert_eq!(
                (operation.name(), operation.to_string(), String::from(operation)),
                (name, name.to_owned(), name.to_owned())
            );
            let included: Vec<&str> =
                Operation::ALL.iter().filter(|it| operation.includes(**it)).map(|it| it.name()).collect();
            match name {
                "data" => assert_eq!(included, ["READ", "WRITE"]),
                "copy-file-range" => assert_eq!(included, ["COPY_FILE_RANGE", "COPY_FILE_RANGE_64"]),
                _ => assert_eq!(included, [name.to_uppercase().replace('-', "_")]),
            }
        }
        for name in ["raed", "READ", "copy_file_range", "forget", "init", ""] {
            assert_eq!(name.parse::<FaultOperation>(), Err(UnknownOperation(name.to_owned())));
        }
    }
}
