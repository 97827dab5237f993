//! Puts the cells of a table's rows into columns, by where they stand.
//!
//! The row with the most cells gives the columns, and the others widen them or add what it lacks. Tables that rules
//! enclose do not come here, but are [`ruling`](super::ruling)'s.

use super::row::Segment;

/// Left and right end of a column.
type Column = (f32, f32);

/// Returns the texts of the rows, each with one cell for every column, empty where a row has none there.
pub fn aligned(rows: &[&[Segment]]) -> Vec<Vec<String>> {
    let columns = columns(rows);
    rows.iter()
        .map(|row| {
            let mut cells = vec![String::new(); columns.len()];
            for segment in *row {
                let cell = &mut cells[place(&columns, segment)];
                if !cell.is_empty() {
                    cell.push(' ');
                }
                cell.push_str(&segment.text);
            }
            cells
        })
        .collect()
}

/// Finds the columns; never none.
fn columns(rows: &[&[Segment]]) -> Vec<Column> {
    let mut fullest: Vec<&[Segment]> = rows.to_vec();
    fullest.sort_by_key(|row| std::cmp::Reverse(row.len()));
    let mut columns: Vec<Column> = Vec::new();
    for segment in fullest.iter().filter(|row| row.len() > 1).flat_map(|row| row.iter()) {
        let met: Vec<usize> = (0..columns.len()).filter(|at| overlap(columns[*at], segment) > 0.0).collect();
        match met.as_slice() {
            [] => {
                let at = columns.partition_point(|column| column.0 < segment.x0);
                columns.insert(at, (segment.x0, segment.x1));
            }
            [at] => columns[*at] = (columns[*at].0.min(segment.x0), columns[*at].1.max(segment.x1)),
            // A heading over several columns belongs to none of them alone.
            _ => {}
        }
    }
    if columns.is_empty() {
        columns.push((0.0, 0.0));
    }
    columns
}

fn overlap(column: Column, segment: &Segment) -> f32 {
    column.1.min(segment.x1) - column.0.max(segment.x0)
}

/// Returns the first column that a segment stands in, or the nearest one.
fn place(columns: &[Column], segment: &Segment) -> usize {
    let met = columns.iter().position(|column| overlap(*column, segment) > 0.0);
    met.unwrap_or_else(|| {
        let far = |at: &usize| -overlap(columns[*at], segment);
        (0..columns.len()).min_by(|a, b| far(a).total_cmp(&far(b))).unwrap_or(0)
    })
}
