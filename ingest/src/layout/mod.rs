//! Turns placed glyphs into text in reading order, and finds its paragraphs, headings, lists and tables.
//!
//! A page goes through here as glyphs, of which [`ruling`] takes those in tables that lines enclose, then [`row`]s cut into
//! segments at wide gaps, then [`mod@column`]s, then [`mod@line`]s of cells, among which [`table`]s are found, and becomes
//! blocks in [`block`]; [`furniture`] takes running headers and footers out between pages, [`heading`] ranks sizes over the
//! whole file. The trade-off: geometry only, no model and no structure tree, so that every producer's files are treated
//! alike and a page costs microseconds.

mod block;
mod column;
mod furniture;
mod glyph;
mod grid;
mod heading;
mod line;
mod pages;
mod row;
mod ruling;
mod table;
mod text;
mod wrap;

pub use glyph::{Glyph, Page};
pub use pages::lay_out;
pub use ruling::Rule;
