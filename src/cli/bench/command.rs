//! The flags of `bench`, and how its figures are printed.
//!
//! Measures nothing itself.

use super::search::{Figures, SearchRow, Workload, measure_search};
use crate::cli::args::parse_walk;
use crate::cli::context::{Context, Exit};
use crate::cli::embed::parse_threads;
use crate::cli::failure::Failure;
use crate::cli::npy::read_matrix;
use crate::cli::output::{print_json, print_line, print_table};
use crate::schema::ShortForm;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What is measured.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Measure recall and speed of vector search
    Search(SearchBenchArgs),
}

/// Flags of `bench search`.
#[derive(Debug, Args)]
pub struct SearchBenchArgs {
    /// Build the index over these vectors
    #[arg(long, value_name = "BASE.npy")]
    base: PathBuf,
    /// Search for these vectors
    #[arg(long, value_name = "QUERY.npy")]
    query: PathBuf,
    /// Search with this many threads
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = parse_threads)]
    threads: usize,
    /// Leave this share to a second build
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = parse_share)]
    grown: f64,
    /// Walk by bytes or bits
    #[arg(long, value_name = "FORM", default_value = "bytes", value_parser = parse_walk)]
    walk: ShortForm,
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=0.9).contains(share));
    share.ok_or_else(|| "expected a number from 0 to 0.9".into())
}

/// Measures and prints the figures.
pub fn run(command: BenchCommand, context: &Context) -> Result<Exit, Failure> {
    let BenchCommand::Search(args) = command;
    let (base, query) = (read_matrix(&args.base)?, read_matrix(&args.query)?);
    let workload = Workload::new(base, query, args.threads, context.config.threads)?.with_grown(args.grown);
    let workload = workload.with_walk(args.walk);
    let figures = measure_search(workload)?;
    match context.json {
        true => print_json(&figures),
        false => print_figures(&figures),
    }
    Ok(Exit::Done)
}

fn print_figures(figures: &Figures) {
    let Figures { vectors, dimension, queries, threads, build_threads, build_seconds, bytes_per_vector, .. } = figures;
    print_line(&format!("{vectors} vectors of {dimension} dimensions, {queries} queries, {threads} threads"));
    print_line(&format!(
        "built in {build_seconds:.1} s on {build_threads} threads, {bytes_per_vector:.0} bytes a vector"
    ));
    if let Some(seconds) = figures.grown_seconds {
        print_line(&format!("built with all of them, from there on, in {seconds:.1} s"));
    }
    let rows: Vec<_> = figures.rows.iter().map(table_row).collect();
    let head = ["FILTER", "SHARE", "STRATEGY", "EFFORT", "RECALL", "QPS", "P50 us", "P99 us", "DISTANCES", "PLANNED"];
    print_table(&head, &rows);
}

fn table_row(row: &SearchRow) -> Vec<String> {
    vec![
        format!("{:?}", row.filter),
        row.share.to_string(),
        row.strategy.to_owned(),
        row.effort.to_string(),
        format!("{:.4}", row.recall),
        format!("{:.0}", row.qps),
        format!("{:.0}", row.p50_us),
        format!("{:.0}", row.p99_us),
        format!("{:.0}", row.distances),
        if row.planned { "yes" } else { "" }.to_owned(),
    ]
}
