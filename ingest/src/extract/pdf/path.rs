//! Follows the paths of a page for the straight lines that they draw: those that can be the rules of a table.
//!
//! A thin filled box counts as a line, because that is how word processors draw borders. Curves, colours, widths and
//! clipping are not looked at.

use super::object::{self, Matrix};
use crate::layout::Rule;

/// Most lines of one page that are kept; a page with more is a drawing, and has none.
const RULES_MAX: usize = 4_000;
/// Most corners of one part of a path; one with more is a drawing.
const CORNERS_MAX: usize = 64;
/// Thickest box that is a line, in points.
const THICK_MAX: f64 = 3.0;
/// Shortest line, in points.
const LENGTH_MIN: f64 = 4.0;
/// How far a line may be from level or upright, in points.
const SLANT_MAX: f64 = 0.7;

/// The path that is being made, and the lines painted so far.
#[derive(Default)]
pub struct Paths {
    parts: Vec<Vec<(f64, f64)>>,
    rules: Vec<Rule>,
}

impl Paths {
    /// Returns the lines of the page; none if there are too many.
    pub fn rules(self) -> Vec<Rule> {
        if self.rules.len() < RULES_MAX { self.rules } else { Vec::new() }
    }

    /// Begins a part of the path.
    pub fn begin(&mut self, x: f64, y: f64, matrix: &Matrix) {
        if self.parts.len() < RULES_MAX {
            self.parts.push(vec![object::apply(matrix, x, y)]);
        }
    }

    /// Adds a line to the part.
    pub fn line(&mut self, x: f64, y: f64, matrix: &Matrix) {
        if let Some(part) = self.parts.last_mut().filter(|part| part.len() < CORNERS_MAX) {
            part.push(object::apply(matrix, x, y));
        }
    }

    /// Closes the part.
    pub fn close(&mut self) {
        if let Some(part) = self.parts.last_mut().filter(|part| part.len() < CORNERS_MAX) {
            part.extend(part.first().copied());
        }
    }

    /// Gives the part up: it has a curve.
    pub fn bend(&mut self) {
        if let Some(part) = self.parts.last_mut() {
            part.resize(CORNERS_MAX, (0.0, 0.0));
        }
    }

    /// Adds a box.
    pub fn add_box(&mut self, [x, y, width, height]: [f64; 4], matrix: &Matrix) {
        self.begin(x, y, matrix);
        for (x, y) in [(x + width, y), (x + width, y + height), (x, y + height)] {
            self.line(x, y, matrix);
        }
        self.close();
    }

    /// Paints the path as the operator says, and forgets it.
    pub fn paint(&mut self, operator: &[u8]) {
        let fills = matches!(operator, b"f" | b"F" | b"f*" | b"B" | b"B*" | b"b" | b"b*");
        let strokes = matches!(operator, b"S" | b"s" | b"B" | b"B*" | b"b" | b"b*");
        for mut part in std::mem::take(&mut self.parts) {
            if part.len() >= CORNERS_MAX || self.rules.len() >= RULES_MAX {
                continue;
            }
            if matches!(operator, b"s" | b"b" | b"b*") {
                part.extend(part.first().copied());
            }
            match thin(&part).filter(|_| fills) {
                Some(rule) => self.rules.push(rule),
                None if strokes => self.rules.extend(part.windows(2).filter_map(|ends| rule(ends[0], ends[1]))),
                None => {}
            }
        }
    }
}

/// Returns the line that a thin box is.
fn thin(part: &[(f64, f64)]) -> Option<Rule> {
    let low = part.iter().fold((f64::MAX, f64::MAX), |low, it| (low.0.min(it.0), low.1.min(it.1)));
    let high = part.iter().fold((f64::MIN, f64::MIN), |high, it| (high.0.max(it.0), high.1.max(it.1)));
    let (width, height) = (high.0 - low.0, high.1 - low.1);
    let middle = ((low.0 + high.0) / 2.0, (low.1 + high.1) / 2.0);
    if height <= THICK_MAX && width > 2.0 * height {
        rule((low.0, middle.1), (high.0, middle.1))
    } else if width <= THICK_MAX && height > 2.0 * width {
        rule((middle.0, low.1), (middle.0, high.1))
    } else {
        None
    }
}

fn rule(from: (f64, f64), to: (f64, f64)) -> Option<Rule> {
    let (wide, tall) = ((from.0 - to.0).abs(), (from.1 - to.1).abs());
    let rule = |at: f64, from: f64, to: f64, is_level| Rule {
        at: at as f32,
        from: from.min(to) as f32,
        to: from.max(to) as f32,
        is_level,
    };
    if tall <= SLANT_MAX && (LENGTH_MIN..1e5).contains(&wide) {
        Some(rule(from.1, from.0, to.0, true))
    } else if wide <= SLANT_MAX && (LENGTH_MIN..1e5).contains(&tall) {
        Some(rule(from.0, from.1, to.1, false))
    } else {
        None
    }
}
