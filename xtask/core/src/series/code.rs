//! C source: its tokens, its functions, and pieces of it that are replaced.

mod edit;
mod functions;
mod tokens;

pub use edit::Edit;
pub(super) use functions::{Form, Function, Statement, closing, functions};
pub(super) use tokens::{Kind, Token, tokens};
