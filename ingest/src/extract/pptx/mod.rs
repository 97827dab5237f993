//! Reads PowerPoint presentations (.pptx, .ppsx and templates): each slide is a page.
//!
//! A file passes through [`read()`] (slides in their order, with their notes, comments and diagrams) and [`slide`] (the
//! text of one part). Masters, layouts, pictures and charts are not read.

mod read;
mod slide;

pub use read::read;
