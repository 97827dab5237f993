//! Renders a sample document as PDF 1.5 with the reader's own fonts: Helvetica, and STSong-Light for Chinese.
//!
//! A document passes through [`flow`] (lines, pages), [`font`] (widths, codes) and [`file`](mod@file) (objects).
//! Fonts are named and not embedded; a ToUnicode map keeps Chinese text readable for machines without the font.

mod file;
mod flow;
mod font;

pub use file::render;
