//! How large a filter may be, and the count that is kept while one is read.
//!
//! The size of the request that carries a filter is bounded elsewhere.

use crate::error::{Error, Result};

/// Longest filter in SQL form, and longest text inside one in JSON form, in bytes. Chosen: some hundred times what
/// people write, and read in about a millisecond.
pub const FILTER_BYTES_MAX: usize = 64 << 10;
/// Most parentheses and `NOT`, or `and`, `or` and `not` in JSON, around one condition. Chosen to keep every recursion
/// over a filter shallow.
pub const DEPTH_MAX: usize = 16;
/// Most conditions of one filter. Chosen: each is one pass over a column.
pub const CONDITIONS_MAX: usize = 64;
/// Most items of one list. Chosen: as many ids as one request asks for.
pub const LIST_ITEMS_MAX: usize = 10_000;
/// Longest pattern of `LIKE`, in bytes. Chosen: bounds the work of one row to this many steps a byte of its value.
pub const LIKE_BYTES_MAX: usize = 1024;

/// What has been read of one filter so far.
#[derive(Default)]
pub(super) struct Budget {
    conditions: usize,
    depth: usize,
}

impl Budget {
    /// Counts one condition.
    pub(super) fn condition(&mut self) -> Result<()> {
        self.conditions += 1;
        check("filter conditions", self.conditions, CONDITIONS_MAX)
    }

    /// Goes one level down; every recursion of a reader passes here first.
    pub(super) fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        check("filter nesting levels", self.depth, DEPTH_MAX)
    }

    /// Comes back up.
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }
}

/// Refuses more than `limit` of something.
pub(super) fn check(what: &'static str, found: usize, limit: usize) -> Result<()> {
    if found <= limit { Ok(()) } else { Err(Error::LimitExceeded { what, limit: limit as u64 }) }
}
