//! Reads PDF files: pdf-extract interprets what this module has first put in order.
//!
//! pdf-extract places every character, but it panics on many honest files, decodes composite fonts wrongly and follows
//! forms without end. So a file passes through here: [`open`] loads it (and repairs its index when that is broken, and
//! tries passwords when it is encrypted),
//! [`font`] finds what each code of a font means, [`content`] follows the operators of a page and its forms, [`script`]
//! writes the characters as the few text operators that pdf-extract gets right, every code renamed to a number of our own,
//! [`stage`] lets pdf-extract run that page alone, and [`crate::layout`] turns placed characters into text.
//!
//! Lines drawn on a page ([`path`]) are handed on too, for the tables that they rule, and so are the titles of the
//! [`outline`]. Where links lead ([`link`]) stands beside the text. Deliberately not done: no images, no OCR, no drawing,
//! no structure tree.

mod cmap;
mod collection;
mod content;
mod file;
mod filter;
mod font;
mod length;
mod link;
mod lock;
mod object;
mod open;
mod outline;
mod page;
mod path;
mod predefined;
mod repair;
mod script;
mod simple;
mod stage;
mod syntax;
mod truetype;
mod unlock;

pub use file::read;
