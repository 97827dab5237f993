//! What the layout is given: glyphs that stand somewhere on a page, and lines drawn there.
//!
//! Says nothing about what belongs together.

use std::rc::Rc;

use super::ruling::Rule;

/// A page with its glyphs in the order of the file.
#[derive(Clone, Debug)]
pub struct Page {
    /// Page number, from 1.
    pub number: u32,
    /// Height in points.
    pub height: f32,
    /// Glyphs with text, spaces included.
    pub glyphs: Vec<Glyph>,
    /// Straight lines that are drawn on it.
    pub rules: Vec<Rule>,
}

/// One glyph: its text and where its baseline starts.
#[derive(Clone, Debug)]
pub struct Glyph {
    /// Text that it stands for; never empty.
    pub text: Rc<str>,
    /// Start of its baseline, points from the left.
    pub x: f32,
    /// Baseline, points from below.
    pub y: f32,
    /// Advance in points.
    pub width: f32,
    /// Font size in points.
    pub size: f32,
    /// Whether its font is bold.
    pub bold: bool,
    /// Direction of writing in quarter turns counter-clockwise; 0 is upright.
    pub turn: u8,
}

impl Glyph {
    /// Returns whether it shows nothing.
    pub fn is_space(&self) -> bool {
        self.text.chars().all(char::is_whitespace)
    }

    /// Returns the glyph as seen when the page is turned so that its text is upright.
    pub fn upright(&self) -> Self {
        let (x, y) = turned(self.x, self.y, self.turn);
        Self { x, y, ..self.clone() }
    }
}

/// Turns a point by `turn` quarters clockwise.
pub fn turned(x: f32, y: f32, turn: u8) -> (f32, f32) {
    match turn % 4 {
        1 => (y, -x),
        2 => (-x, -y),
        3 => (-y, x),
        _ => (x, y),
    }
}
