//! Puts glyphs on common baselines and cuts each row at wide gaps into segments of words.
//!
//! Gaps are judged against the row's own letter spacing, because producers space letters out, and against the font
//! size, because they leave spaces away. Knows nothing of columns.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::glyph::Glyph;
use super::ruling::Ruled;
use super::text;

/// Largest distance of two baselines of one row, in font sizes.
const BASELINE_SHIFT: f32 = 0.22;
/// Smallest gap that is a space, in font sizes, above the row's letter spacing.
const WORD_GAP: f32 = 0.13;
/// Smallest gap between ideographs that is a space, in font sizes.
const IDEOGRAPH_GAP: f32 = 0.45;
/// Smallest gap that cuts a row, in font sizes.
const SEGMENT_GAP: f32 = 1.0;

/// Words that stand together in a row.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Its words, with single spaces.
    pub text: String,
    /// Left end.
    pub x0: f32,
    /// Right end.
    pub x1: f32,
    /// Baseline.
    pub y: f32,
    /// Font size of most of its characters.
    pub size: f32,
    /// Whether most of its characters are bold.
    pub bold: bool,
    /// Number of the row on the page, from the top.
    pub row: usize,
    /// The table that it stands for.
    pub ruled: Option<Rc<Ruled>>,
}

/// Returns the segments of upright glyphs, row by row from the top, each row from the left.
pub fn segments(glyphs: &[Glyph]) -> Vec<Segment> {
    let mut segments = Vec::new();
    for (number, mut row) in rows(glyphs).into_iter().enumerate() {
        row.sort_by(|a, b| a.x.total_cmp(&b.x));
        let row = without_doubles(row);
        cut(&row, number, &mut segments);
    }
    segments
}

/// Glyphs that follow each other on one baseline in the file.
struct Run<'a> {
    glyphs: Vec<&'a Glyph>,
    x0: f32,
    x1: f32,
    y: f32,
    size: f32,
}

struct Row<'a> {
    runs: Vec<Run<'a>>,
    y: f32,
    size: f32,
}

fn rows(glyphs: &[Glyph]) -> Vec<Vec<&Glyph>> {
    let mut runs = runs(glyphs);
    // Large text first, so that a superscript finds the row it belongs to.
    runs.sort_by(|a, b| b.size.total_cmp(&a.size));
    let mut rows: Vec<Row> = Vec::new();
    let mut by_height: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for run in runs {
        let height = key(run.y);
        let reach = key(run.size * 2.0).max(1);
        let near = by_height.range(height - reach..=height + reach).flat_map(|(_, rows)| rows);
        let fitting = near.filter(|&&at| belongs(&run, &rows[at]));
        let nearest = fitting.min_by(|&&a, &&b| (rows[a].y - run.y).abs().total_cmp(&(rows[b].y - run.y).abs()));
        match nearest {
            Some(&at) => rows[at].runs.push(run),
            None => {
                by_height.entry(height).or_default().push(rows.len());
                rows.push(Row { y: run.y, size: run.size, runs: vec![run] });
            }
        }
    }
    rows.sort_by(|a, b| b.y.total_cmp(&a.y));
    rows.into_iter().map(|row| row.runs.into_iter().flat_map(|run| run.glyphs).collect()).collect()
}

fn key(y: f32) -> i64 {
    (y * 8.0) as i64
}

fn runs(glyphs: &[Glyph]) -> Vec<Run<'_>> {
    let mut runs: Vec<Run> = Vec::new();
    for glyph in glyphs {
        let (x0, x1) = (glyph.x, glyph.x + glyph.width);
        match runs.last_mut() {
            Some(run) if (run.y - glyph.y).abs() < 0.05 * run.size && (run.size / glyph.size - 1.0).abs() < 0.05 => {
                run.glyphs.push(glyph);
                run.x0 = run.x0.min(x0);
                run.x1 = run.x1.max(x1);
            }
            _ => runs.push(Run { glyphs: vec![glyph], x0, x1, y: glyph.y, size: glyph.size }),
        }
    }
    runs
}

/// Returns whether a run is part of a row: on its baseline, or a small mark raised or lowered right beside it.
fn belongs(run: &Run, row: &Row) -> bool {
    let shift = run.y - row.y;
    if shift.abs() <= BASELINE_SHIFT * run.size {
        return true;
    }
    let small = run.size < 0.85 * row.size && run.glyphs.len() <= 8;
    let raised = shift > -0.4 * row.size && shift < 0.65 * row.size;
    let near = 0.35 * row.size;
    small && raised && row.runs.iter().any(|it| it.x0 - near <= run.x1 && run.x0 <= it.x1 + near)
}

/// Leaves out glyphs drawn twice at one place, which is how some producers make bold text.
fn without_doubles(row: Vec<&Glyph>) -> Vec<&Glyph> {
    let mut kept: Vec<&Glyph> = Vec::with_capacity(row.len());
    for glyph in row {
        let double = kept.iter().rev().take(4).any(|it| {
            let reach = 0.12 * glyph.size;
            it.text == glyph.text && (it.x - glyph.x).abs() < reach && (it.y - glyph.y).abs() < reach && it.width > 0.0
        });
        if !double {
            kept.push(glyph);
        }
    }
    kept
}

fn cut(row: &[&Glyph], number: usize, segments: &mut Vec<Segment>) {
    let spacing = letter_spacing(row);
    let mut open: Vec<&Glyph> = Vec::new();
    let mut words = String::new();
    let mut end = f32::MIN;
    let mut space = false;
    for &glyph in row {
        if glyph.is_space() {
            space = true;
            continue;
        }
        if let Some(last) = open.last() {
            let size = last.size.max(glyph.size).min(1.5 * last.size.min(glyph.size));
            let gap = glyph.x - end;
            // A space counts only where there is room for it, unless the widths of the font are too large to tell.
            let least = if spacing < -0.1 * size { f32::MIN } else { 0.03 * size };
            if gap > SEGMENT_GAP * size + spacing.max(0.0) {
                segments.extend(close(&mut open, &mut words, number));
                end = f32::MIN;
            } else if (space && gap > least) || gap > word_gap(last, glyph) * size + spacing.max(0.0) {
                words.push(' ');
            }
        }
        space = false;
        text::push(&mut words, &glyph.text);
        end = end.max(glyph.x + glyph.width);
        open.push(glyph);
    }
    segments.extend(close(&mut open, &mut words, number));
}

fn word_gap(left: &Glyph, right: &Glyph) -> f32 {
    let ideographs = left.text.chars().all(text::is_ideograph) && right.text.chars().all(text::is_ideograph);
    if ideographs { IDEOGRAPH_GAP } else { WORD_GAP }
}

/// Returns the usual gap between the letters of a row: the lower quartile of those that can be one.
fn letter_spacing(row: &[&Glyph]) -> f32 {
    let mut gaps: Vec<f32> = row
        .windows(2)
        .filter(|pair| !pair[0].is_space() && !pair[1].is_space())
        .map(|pair| pair[1].x - pair[0].x - pair[0].width)
        .zip(row)
        .filter(|(gap, glyph)| gap.abs() < 0.6 * glyph.size)
        .map(|(gap, _)| gap)
        .collect();
    if gaps.len() < 4 {
        return 0.0;
    }
    gaps.sort_by(f32::total_cmp);
    gaps[gaps.len() / 4]
}

fn close(open: &mut Vec<&Glyph>, words: &mut String, row: usize) -> Option<Segment> {
    let glyphs = std::mem::take(open);
    let first = *glyphs.first()?;
    let mut sizes: Vec<f32> = glyphs.iter().map(|glyph| glyph.size).collect();
    sizes.sort_by(f32::total_cmp);
    let size = sizes[sizes.len() / 2];
    let main = glyphs.iter().find(|glyph| glyph.size == size).unwrap_or(&first);
    Some(Segment {
        text: text::clean(&std::mem::take(words)),
        x0: first.x,
        x1: glyphs.iter().fold(first.x, |end, glyph| end.max(glyph.x + glyph.width)),
        y: main.y,
        size,
        bold: glyphs.iter().filter(|glyph| glyph.bold).count() * 2 > glyphs.len(),
        row,
        ruled: None,
    })
    .filter(|segment| !segment.text.is_empty())
}
