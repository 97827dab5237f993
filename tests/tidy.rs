//! The house rules that a compiler does not check: which module may name what, how files look, that documents are true.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules of `src/` and the modules that each may name.
const MODULES: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("telemetry", &["error"]),
    ("config", &["error"]),
    ("schema", &["error"]),
    ("table", &["schema", "error"]),
    ("index", &["schema", "error"]),
    ("query", &["table", "index", "schema", "error"]),
    ("remote", &["config", "error"]),
    ("store", &["remote", "query", "table", "index", "schema", "config", "error", "telemetry"]),
    ("api", &["store", "query", "table", "schema", "config", "error", "telemetry"]),
    ("cli", &["api", "store", "remote", "query", "index", "table", "schema", "config", "error", "telemetry"]),
];

/// Heavy crates and the one place that may name each.
const HOMES: &[(&str, &str)] = &[
    ("lance", "src/table/"),
    ("lance_io", "src/table/"),
    ("object_store", "src/table/"),
    ("hnsw_rs", "src/index/"),
    ("memmap2", "src/index/"),
    ("axum", "src/api/"),
    ("hyper", "src/api/"),
    ("hyper_util", "src/api/"),
    ("clap", "src/cli/"),
    ("indicatif", "src/cli/"),
    ("candle_core", "models/"),
    ("candle_nn", "models/"),
    ("candle_transformers", "models/"),
    ("tokenizers", "models/"),
    ("pdf_extract", "ingest/"),
    ("lopdf", "ingest/"),
    ("quick_xml", "ingest/"),
    ("scraper", "ingest/"),
];

/// The HTTP client, which has two homes: a server of ours as the command line sees it, and servers of others.
const CLIENT_HOMES: [&str; 2] = ["src/cli/remote.rs", "src/remote/"];

/// Lines that no source file may exceed.
const FILE_LINES_MAX: usize = 600;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == suffix) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<(String, String)> {
    ["src", "ingest/src", "models/src", "tests", "ingest/tests", "models/tests", "benches"]
        .iter()
        .filter(|folder| root().join(folder).exists())
        .flat_map(|folder| files(folder, "rs"))
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            (name, text)
        })
        .collect()
}

/// The code of a file: lines without comments, up to its unit tests.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take_while(|line| *line != "#[cfg(test)]").filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    for (name, text) in sources() {
        assert!(text.starts_with("//! "), "{name} has no module doc");
    }
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    for (name, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= FILE_LINES_MAX, "{name} has {lines} lines");
    }
}

#[test]
fn imports_point_down() {
    for (name, text) in sources() {
        let Some(rest) = name.strip_prefix("src/") else { continue };
        let module = rest.split(['/', '.']).next().unwrap();
        let Some((_, allowed)) = MODULES.iter().find(|(known, _)| *known == module) else {
            assert!(matches!(module, "main" | "lib"), "{name} is in no module");
            continue;
        };
        for line in code(&text) {
            for part in line.split("crate::").skip(1) {
                let named: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let is_module = MODULES.iter().any(|(known, _)| *known == named);
                assert!(!is_module || named == module || allowed.contains(&named.as_str()), "{name} names {named}");
            }
        }
    }
}

#[test]
fn heavy_crates_stay_at_home() {
    for (name, text) in sources() {
        if name.contains("tests/") || name.starts_with("benches") {
            continue;
        }
        for line in code(&text) {
            for (heavy, home) in HOMES {
                let names = line.contains(&format!("{heavy}::")) || line.contains(&format!("use {heavy};"));
                let other_word = line.contains(&format!("_{heavy}::")) || line.contains(&format!("::{heavy}::"));
                assert!(!names || other_word || name.starts_with(home), "{name} names {heavy}: {line}");
            }
        }
    }
}

#[test]
fn the_http_client_is_named_where_others_are_asked() {
    for (name, text) in sources() {
        let at_home = name.contains("tests/") || name.starts_with("benches") || !name.starts_with("src/");
        let at_home = at_home || CLIENT_HOMES.iter().any(|home| name.starts_with(home));
        assert!(at_home || !code(&text).any(|line| line.contains("reqwest::")), "{name} names reqwest");
    }
}

#[test]
fn unsafe_stands_only_in_the_kernels_and_says_why() {
    for (name, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let keyword = line.split("//").next().unwrap().split('"').next().unwrap();
            if !keyword.contains("unsafe {") && !keyword.contains("unsafe fn") && !keyword.contains("unsafe impl") {
                continue;
            }
            let kernels = ["src/index/distance/", "models/src/gemm/"].iter().any(|home| name.starts_with(home));
            let at_home = kernels || name == "src/index/map.rs";
            assert!(at_home, "{name}:{} is unsafe", at + 1);
            if keyword.contains("unsafe {") {
                let reasons = lines[at.saturating_sub(8)..=at].join("\n");
                assert!(reasons.contains("SAFETY"), "{name}:{} gives no reason", at + 1);
            }
        }
    }
}

#[test]
fn the_environment_is_read_in_one_place() {
    for (name, text) in sources() {
        let edge = name.starts_with("src/config/") || name.starts_with("src/cli/") || name.contains("tests/");
        for line in code(&text) {
            assert!(edge || !line.contains("env::var"), "{name} reads the environment: {line}");
        }
    }
}

#[test]
fn nothing_is_left_for_later() {
    for (name, text) in sources() {
        if name == "tests/tidy.rs" {
            continue;
        }
        for word in ["todo!(", "unimplemented!(", "dbg!(", "FIXME", "#[ignore", "should_panic"] {
            assert!(!text.contains(word), "{name} holds {word}");
        }
    }
}

#[test]
fn the_architecture_names_only_paths_that_exist() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for path in text.split('`').skip(1).step_by(2) {
        let looks_like_path = path.contains('/') && path.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
        let ours = ["src/", "ingest/", "models/", "tests/", "benches/", "web/"].iter().any(|top| path.starts_with(top));
        assert!(!looks_like_path || !ours || root().join(path).exists(), "ARCHITECTURE.md names {path}");
    }
}

#[test]
fn the_page_imports_only_files_that_exist() {
    for path in files("web", "js") {
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| line.starts_with("import ") || line.starts_with("} from")) {
            let Some(target) = line.split(" from ").nth(1) else { continue };
            let target = target.trim().trim_matches([';', '"', '\'']);
            if target.starts_with('.') {
                assert!(path.parent().unwrap().join(target).exists(), "{} imports {target}", path.display());
            }
        }
    }
}
