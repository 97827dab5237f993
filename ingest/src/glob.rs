//! Matches paths against patterns, as `.gitignore` and shells do: `*.pdf`, `drafts/**`, `20??/report-*.docx`.
//!
//! `*` and `?` stay inside a part of a path, `**` goes over parts. A pattern without `/` is about the name alone. Knows
//! no negation, no classes and no files.

/// Which files of a walk are wanted: those that some pattern of `include` matches, as files or as folders around them, or
/// all if there is none, without those that a pattern of `exclude` matches in the same way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns {
    /// Patterns of files that are wanted.
    pub include: Vec<String>,
    /// Patterns of files and folders that are not.
    pub exclude: Vec<String>,
}

impl Patterns {
    /// Returns whether a file is wanted, by its path below the root with `/` between parts.
    pub fn wants(&self, path: &str) -> bool {
        let below = |patterns: &[String]| {
            let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
            folders.chain([path]).any(|path| patterns.iter().any(|pattern| matches(pattern, path)))
        };
        (self.include.is_empty() || below(&self.include)) && !below(&self.exclude)
    }

    /// Returns whether a file or folder is not wanted, and nothing below it.
    pub fn excludes(&self, path: &str) -> bool {
        self.exclude.iter().any(|pattern| matches(pattern, path))
    }
}

/// Returns whether a pattern matches a path. Costs at most the product of their lengths.
fn matches(pattern: &str, path: &str) -> bool {
    let pattern = pattern.strip_suffix("/**").or(pattern.strip_suffix('/')).unwrap_or(pattern);
    let anchored = pattern.strip_prefix('/').unwrap_or(pattern);
    let is_name = !pattern.contains('/');
    let path = if is_name { path.rsplit('/').next().unwrap_or(path) } else { path };
    let parts: Vec<&str> = anchored.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    is_match(&parts, &path, |part| *part == "**", |part, name| part_matches(part, name))
}

fn part_matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    is_match(&pattern, &name, |sign| *sign == '*', |sign, letter| *sign == '?' || sign == letter)
}

/// Matches with one kind of sign for any number of items: after a mismatch only the last such sign takes one more.
fn is_match<P, T>(pattern: &[P], items: &[T], is_any: impl Fn(&P) -> bool, is_one: impl Fn(&P, &T) -> bool) -> bool {
    let (mut at, mut item) = (0, 0);
    let mut last: Option<(usize, usize)> = None;
    while item < items.len() {
        match pattern.get(at) {
            Some(sign) if is_any(sign) => {
                last = Some((at + 1, item));
                at += 1;
            }
            Some(sign) if is_one(sign, &items[item]) => (at, item) = (at + 1, item + 1),
            _ => {
                let Some((behind, taken)) = last else { return false };
                last = Some((behind, taken + 1));
                (at, item) = (behind, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(is_any)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        yes.iter().for_each(|path| assert!(matches(pattern, path), "{pattern} matches {path}"));
        no.iter().for_each(|path| assert!(!matches(pattern, path), "{pattern} does not match {path}"));
    }

    #[test]
    fn patterns_match_names_parts_and_trees() {
        check("*.pdf", &["a.pdf", "x/y/a.b.pdf"], &["a.pdfx", "a.pdf/b", "pdf"]);
        check("20??/r-*.docx", &["2024/r-1.docx"], &["204/r-1.docx", "x/2024/r-1.docx", "2024/x/r-1.docx"]);
        check("drafts/**", &["drafts"], &["drafts2", "x/drafts/a"]);
        check("**/drafts", &["drafts", "a/b/drafts"], &["a/draftsman"]);
        check("a/**/z.md", &["a/z.md", "a/b/c/z.md"], &["z.md", "a/b/z.mdx"]);
        check("/top.md", &["top.md"], &["x/top.md"]);
        check("年*.txt", &["x/年假.txt"], &["假年.txt"]);
    }

    #[test]
    fn a_pattern_of_stars_costs_no_more_than_its_length() {
        assert!(!matches(&"*a".repeat(2_000), &"a".repeat(1_500)));
        assert!(!matches(&"**/a/".repeat(500), &"a/".repeat(400)));
    }

    #[test]
    fn exclusion_wins_and_no_inclusion_means_all() {
        let patterns = Patterns { include: vec!["*.md".into()], exclude: vec!["old-*".into()] };
        assert!(patterns.wants("a/b.md") && !patterns.wants("a/b.txt") && !patterns.wants("a/old-b.md"));
        assert!(Patterns::default().wants("anything"));
    }

    #[test]
    fn a_pattern_of_a_folder_is_about_all_that_it_holds() {
        let patterns = Patterns { include: vec!["20??/**".into()], exclude: vec!["drafts".into()] };
        assert!(patterns.wants("2024/a.md") && patterns.wants("2024/x/b.md"));
        assert!(!patterns.wants("a.md") && !patterns.wants("2024/drafts/c.md"));
    }
}
