//! Cost as a collection grows: time to build the graph and time of a search from 10,000 to 1,000,000 vectors.
//!
//! Each size runs `ragstone bench search` over the first rows of a file of vectors; where it has too few, its rows come
//! again with noise. Prints one JSON line a size and draws `benches/growth.svg`: a build that grows as n log n and a search
//! that grows as log n lie along the dashed lines.
//!
//! `cargo bench --bench growth -- [BASE.npy QUERY.npy] [ROWS_MAX]`; without files, vectors around random centres.

mod support;

use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use support::Random;

const SIZES: [usize; 5] = [10_000, 30_000, 100_000, 300_000, 1_000_000];
const QUERIES: usize = 200;
const DIMENSION: usize = 384;
const CENTRES: usize = 500;
/// Spread of the noise by which a row that comes again differs; the cosine to the row itself is about 0.93.
const NOISE: f32 = 0.02;
/// Length of the candidate list at which sizes are compared.
const EFFORT: u64 = 128;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let files: Vec<&String> = arguments.iter().filter(|argument| argument.ends_with(".npy")).collect();
    let rows_max = arguments.iter().filter_map(|argument| argument.parse().ok()).next().unwrap_or(1_000_000);
    let mut random = Random(7);
    let (base, query) = match files[..] {
        [base, query] => (read_npy(Path::new(base)), read_npy(Path::new(query))),
        _ => {
            let centres: Vec<f32> = (0..CENTRES * DIMENSION).map(|_| random.normal()).collect();
            (around(&centres, 100_000, &mut random), around(&centres, QUERIES, &mut random))
        }
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (base_file, query_file) = (folder.path().join("base.npy"), folder.path().join("query.npy"));
    write_npy(&query_file, &query[..QUERIES.min(query.len() / DIMENSION) * DIMENSION]);
    let mut points = Vec::new();
    for rows in SIZES.into_iter().filter(|&rows| rows <= rows_max) {
        write_npy(&base_file, &repeated(&base, rows, &mut random));
        points.push(measure(rows, &base_file, &query_file));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/growth.svg");
    std::fs::write(file, plot(&points)).expect("the plot is written");
}

/// What was measured at one size.
struct Point {
    rows: usize,
    build_seconds: f64,
    search_us: f64,
}

fn measure(rows: usize, base: &Path, query: &Path) -> Point {
    let output = Command::new(env!("CARGO_BIN_EXE_ragstone"))
        .args(["bench", "search", "--threads", "1", "--json", "--base"])
        .arg(base)
        .arg("--query")
        .arg(query)
        .stderr(Stdio::inherit())
        .output()
        .expect("the program runs");
    let figures: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let walk = figures["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .find(|row| row["share"] == 1.0 && row["effort"] == EFFORT && row["strategy"] == "graph");
    let walk = walk.expect("a walk without a filter was measured");
    let build_seconds = figures["build_seconds"].as_f64().expect("seconds");
    println!(
        "{}",
        json!({"bench": "growth", "rows": rows, "build_seconds": build_seconds, "effort": EFFORT, "recall": walk["recall"],
               "p50_us": walk["p50_us"], "p99_us": walk["p99_us"], "distances": walk["distances"],
               "bytes_per_vector": figures["bytes_per_vector"]})
    );
    Point { rows, build_seconds, search_us: walk["p50_us"].as_f64().expect("microseconds") }
}

/// Draws both curves over the logarithm of the rows, each beside the line of its expected growth.
fn plot(points: &[Point]) -> String {
    let log = |rows: usize| (rows as f64).ln();
    let builds: Vec<(usize, f64)> = points.iter().map(|point| (point.rows, point.build_seconds)).collect();
    let searches: Vec<(usize, f64)> = points.iter().map(|point| (point.rows, point.search_us)).collect();
    let mut svg = String::from(
        "<svg xmlns='http://www.w3.org/2000/svg' width='860' height='360' font-family='sans-serif' font-size='12'>\n\
         <rect width='860' height='360' fill='white'/>\n",
    );
    panel(&mut svg, 60.0, "build, seconds (both axes logarithmic; dashed: n log n)", &builds, true, |rows| {
        rows as f64 * log(rows)
    });
    panel(&mut svg, 490.0, "search at effort 128, p50 microseconds (dashed: log n)", &searches, false, log);
    svg.push_str("</svg>\n");
    svg
}

fn panel(
    svg: &mut String,
    left: f64,
    title: &str,
    points: &[(usize, f64)],
    is_log: bool,
    expected: impl Fn(usize) -> f64,
) {
    let (width, top, height) = (330.0, 50.0, 250.0);
    let scale = |value: f64| if is_log { value.ln() } else { value };
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
    let factor = first.1 / expected(first.0);
    let dashed: Vec<(usize, f64)> = points.iter().map(|&(rows, _)| (rows, expected(rows) * factor)).collect();
    let values = points.iter().chain(&dashed).map(|&(_, value)| scale(value));
    let high = values.clone().fold(f64::MIN, f64::max);
    let low = if is_log { values.fold(f64::MAX, f64::min) } else { 0.0 };
    let span = (last.0 as f64 / first.0 as f64).ln().max(1e-9);
    let place = |&(rows, value): &(usize, f64)| {
        let x = left + width * (rows as f64 / first.0 as f64).ln() / span;
        (x, top + height * (1.0 - (scale(value) - low) / (high - low).max(1e-9)))
    };
    let line = |points: &[(usize, f64)]| {
        points.iter().map(place).map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
    };
    let bottom = top + height;
    // Writing into a string cannot fail.
    let _ = writeln!(svg, "<text x='{left}' y='{}' font-weight='bold'>{title}</text>", top - 20.0);
    let _ = writeln!(svg, "<path d='M{left},{top} V{bottom} H{}' fill='none' stroke='#888'/>", left + width);
    let _ = writeln!(svg, "<polyline points='{}' fill='none' stroke='#aaa' stroke-dasharray='5 4'/>", line(&dashed));
    let _ = writeln!(svg, "<polyline points='{}' fill='none' stroke='#1a5fb4' stroke-width='2'/>", line(points));
    for point in points {
        let (x, y) = place(point);
        let _ = writeln!(svg, "<circle cx='{x:.1}' cy='{y:.1}' r='3.5' fill='#1a5fb4'/>");
        let _ = writeln!(svg, "<text x='{x:.1}' y='{:.1}' text-anchor='middle'>{}</text>", y - 9.0, Short(point.1));
        let _ =
            writeln!(svg, "<text x='{x:.1}' y='{}' text-anchor='middle'>{}k</text>", bottom + 18.0, point.0 / 1_000);
    }
}

/// A number with three digits that count.
struct Short(f64);

impl std::fmt::Display for Short {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = (2.0 - self.0.abs().max(1e-9).log10().floor()).clamp(0.0, 3.0) as usize;
        write!(formatter, "{:.digits$}", self.0)
    }
}

fn around(centres: &[f32], rows: usize, random: &mut Random) -> Vec<f32> {
    let mut values = Vec::with_capacity(rows * DIMENSION);
    for _ in 0..rows {
        let centre = random.below(centres.len() / DIMENSION);
        values.extend(centres[centre * DIMENSION..][..DIMENSION].iter().map(|value| value + 0.7 * random.normal()));
    }
    values
}

/// Returns so many rows: those of the base, then the same again with noise.
fn repeated(base: &[f32], rows: usize, random: &mut Random) -> Vec<f32> {
    let wanted = rows * DIMENSION;
    let mut values = base[..wanted.min(base.len())].to_vec();
    values.reserve_exact(wanted - values.len());
    while values.len() < wanted {
        let value = base[values.len() % base.len()];
        values.push(value + NOISE * random.normal());
    }
    values
}

fn read_npy(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).expect("the file of vectors is read");
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let (values, _) = bytes[header..].as_chunks::<4>();
    assert!(values.len().is_multiple_of(DIMENSION), "vectors have {DIMENSION} dimensions");
    values.iter().map(|value| f32::from_le_bytes(*value)).collect()
}

fn write_npy(path: &Path, values: &[f32]) {
    let shape = format!("({}, {DIMENSION})", values.len() / DIMENSION);
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let padded = format!("{header:<width$}\n", width = (10 + header.len() + 1).next_multiple_of(64) - 11);
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).expect("a file of vectors"));
    file.write_all(b"\x93NUMPY\x01\x00").expect("written");
    file.write_all(&(padded.len() as u16).to_le_bytes()).expect("written");
    file.write_all(padded.as_bytes()).expect("written");
    values.iter().for_each(|value| file.write_all(&value.to_le_bytes()).expect("written"));
    file.flush().expect("written");
}
