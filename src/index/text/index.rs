//! The lexical index: which slots hold which term, growing by appended documents.
//!
//! What was sealed lies in a mapped file, what was added since in memory, in slots behind; a term of a query is looked up
//! in both.
//!
//! It stores neither texts nor deletions: slots are the caller's row positions, and the caller says at each search which
//! of them count. Dead slots therefore still weigh in term statistics until `remap` drops them.

use std::sync::Arc;

use ahash::AHashMap;

use super::cursor::Cursor;
use super::mapped::Mapped;
use super::postings::{Posting, Postings, View};
use super::score::{LengthNorm, idf, score_of_steps, weight};
use super::search::search;
use super::terms::Analyzed;

/// Most distinct terms of a query that are searched, the most telling ones; bounds the cost of a pasted page.
const QUERY_TERMS_MAX: usize = 256;

/// Postings of every term, with the document lengths that BM25 needs.
#[derive(Clone, Debug, Default)]
pub struct TextIndex {
    /// What was sealed.
    base: Option<Arc<Mapped>>,
    /// The term's index into `postings`.
    term_ids: AHashMap<Box<str>, u32>,
    postings: Vec<Postings>,
    /// The length of each slot's document; zero for a slot without one.
    lengths: Vec<u32>,
    /// Slots of non-zero length.
    documents: u32,
    /// Sum of `lengths`.
    tokens: u64,
}

impl TextIndex {
    /// Creates an index without documents.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts from what a file holds; documents are added behind it.
    pub(super) fn on(base: Mapped) -> Self {
        let mut index = Self::new();
        index.lengths = base.lengths().to_vec();
        index.documents = index.lengths.iter().map(|&length| u32::from(length > 0)).sum();
        index.tokens = index.lengths.iter().map(|&length| u64::from(length)).sum();
        index.base = Some(Arc::new(base));
        index
    }

    /// Appends a document. Slots must ascend; those left out hold no text.
    ///
    /// Panics when the slot is below `len`, which would break the order that postings rely on.
    pub fn add(&mut self, slot: u32, analyzed: &Analyzed) {
        assert!(slot as usize >= self.lengths.len(), "slot {slot} is below {} and taken", self.lengths.len());
        self.set_length(slot, analyzed.length());
        for (term, occurrences) in analyzed.terms() {
            let id = self.id_of(term);
            self.postings[id as usize].push(Posting { slot, occurrences }, &self.lengths);
        }
    }

    /// Returns the number of slots covered, which is the lowest slot that may be added.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Returns true when no slot is covered.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Returns the `k` best slots below `slots_below` that `allowed` admits, with their BM25 scores, best first and the
    /// lower slot first among equals.
    ///
    /// A slot without any term of the query is never a hit, so there may be fewer than `k`.
    pub fn search(
        &self,
        query: &Analyzed,
        k: usize,
        allowed: impl Fn(u32) -> bool,
        slots_below: u32,
    ) -> Vec<(u32, f32)> {
        let slots_end = slots_below.min(self.slot_count());
        let hits = search(self.cursors(query), k, slots_end, allowed);
        hits.into_iter().map(|(slot, steps)| (slot, score_of_steps(steps))).collect()
    }

    /// Returns the BM25 score of each given slot, zero where no term of the query occurs; the same that `search` gives.
    pub fn score_of(&self, query: &Analyzed, slots: &[u32]) -> Vec<f32> {
        let mut order: Vec<usize> = (0..slots.len()).collect();
        order.sort_unstable_by_key(|at| slots[*at]);
        let mut sums = vec![0; slots.len()];
        for mut cursor in self.cursors(query) {
            for &at in &order {
                sums[at] += cursor.contribution_to(slots[at]);
            }
        }
        sums.into_iter().map(score_of_steps).collect()
    }

    /// Returns which share of what the query says, by idf, occurs in any document: 0 for nothing, 1 for every term.
    ///
    /// Near 0 the words of the query are foreign to the collection, and lexical hits say little. A query without terms
    /// has coverage 0.
    pub fn coverage(&self, query: &Analyzed) -> f32 {
        let (mut present, mut total) = (0.0, 0.0);
        for (term, _) in query.terms() {
            let holders = self.holders(term);
            let idf = idf(self.documents, holders);
            total += idf;
            present += if holders > 0 { idf } else { 0.0 };
        }
        if total > 0.0 { present / total } else { 0.0 }
    }

    /// Returns the score of an imagined passage that holds every term of the query again and again.
    ///
    /// The best hit's score divided by it says how much of the query that hit answers, whatever the collection.
    pub fn score_limit(&self, query: &Analyzed) -> f32 {
        query.terms().map(|(term, repetitions)| weight(idf(self.documents, self.holders(term)), repetitions)).sum()
    }

    /// Returns the bytes held in memory, to within the allocator's own overhead; a mapped file is not among them.
    pub fn bytes(&self) -> usize {
        let dictionary = self.term_ids.capacity() * (size_of::<(Box<str>, u32)>() + 1);
        let letters: usize = self.term_ids.keys().map(|term| term.len()).sum();
        let postings: usize = self.postings.iter().map(|postings| size_of::<Postings>() + postings.heap_bytes()).sum();
        size_of::<Self>() + dictionary + letters + postings + self.lengths.capacity() * size_of::<u32>()
    }

    /// Returns an index of the slots that `map` keeps, under the numbers it gives them; no two may get the same.
    pub fn remap(&self, map: impl Fn(u32) -> Option<u32>) -> TextIndex {
        let mut kept: Vec<(u32, u32)> =
            (0..self.slot_count()).filter_map(|slot| Some((map(slot)?, self.lengths[slot as usize]))).collect();
        kept.sort_unstable();
        let mut remapped = TextIndex::new();
        for (slot, length) in kept {
            assert!(slot as usize >= remapped.lengths.len(), "slot {slot} is given twice");
            remapped.set_length(slot, length);
        }
        for term in self.terms() {
            let mut moved: Vec<Posting> = self
                .postings_of(term)
                .filter_map(|posting| Some(Posting { slot: map(posting.slot)?, ..posting }))
                .collect();
            moved.sort_unstable_by_key(|posting| posting.slot);
            if !moved.is_empty() {
                let id = remapped.id_of(term);
                moved.into_iter().for_each(|posting| remapped.postings[id as usize].push(posting, &remapped.lengths));
            }
        }
        remapped
    }

    /// Returns every term, in byte order.
    pub(super) fn terms(&self) -> Vec<&str> {
        let sealed = self.base.iter().flat_map(|base| (0..base.len()).map(|at| base.term(at)));
        let mut terms: Vec<&str> = sealed.chain(self.term_ids.keys().map(|term| &**term)).collect();
        terms.sort_unstable();
        terms.dedup();
        terms
    }

    /// Returns every posting of a term, in order of slots.
    pub(super) fn postings_of(&self, term: &str) -> impl Iterator<Item = Posting> {
        self.views(term).into_iter().flatten().flat_map(|view| view.iter().collect::<Vec<_>>())
    }

    /// Returns the length of each slot's document.
    pub(super) fn lengths(&self) -> &[u32] {
        &self.lengths
    }

    /// Sets the length of a slot behind all others.
    fn set_length(&mut self, slot: u32, length: u32) {
        self.lengths.resize(slot as usize, 0);
        self.lengths.push(length);
        self.documents += u32::from(length > 0);
        self.tokens += u64::from(length);
    }

    fn id_of(&mut self, term: &str) -> u32 {
        if let Some(id) = self.term_ids.get(term) {
            return *id;
        }
        let id = u32::try_from(self.postings.len()).expect("memory ends before four thousand million terms");
        self.term_ids.insert(term.into(), id);
        self.postings.push(Postings::default());
        id
    }

    fn slot_count(&self) -> u32 {
        u32::try_from(self.lengths.len()).unwrap_or(u32::MAX)
    }

    /// Returns what the file and the memory hold of a term.
    fn views(&self, term: &str) -> [Option<View<'_>>; 2] {
        let sealed = self.base.as_ref().and_then(|base| base.find(term));
        // Added postings must not count in windows before them: the bounds of a term would be twice what they are.
        let from = self.base.as_ref().map_or(0, |base| base.lengths().len() as u32);
        let added = self.term_ids.get(term).map(|id| View { from, ..self.postings[*id as usize].view() });
        [sealed, added]
    }

    fn holders(&self, term: &str) -> u32 {
        holders(&self.views(term))
    }

    /// Returns a cursor for each place that holds a term of the query.
    fn cursors(&self, query: &Analyzed) -> Vec<Cursor<'_>> {
        let mut terms: Vec<_> = query
            .terms()
            .map(|(term, repetitions)| (repetitions, self.views(term)))
            .map(|(repetitions, views)| (weight(idf(self.documents, holders(&views)), repetitions), views))
            .filter(|(_, views)| views.iter().any(Option::is_some))
            .collect();
        terms.sort_by(|a, b| b.0.total_cmp(&a.0));
        terms.truncate(QUERY_TERMS_MAX);
        let norm = LengthNorm::new(self.documents, self.tokens);
        let places =
            terms.into_iter().flat_map(|(weight, views)| views.into_iter().flatten().map(move |view| (weight, view)));
        places.map(|(weight, view)| Cursor::new(view, weight, norm, &self.lengths)).collect()
    }
}

fn holders(views: &[Option<View<'_>>]) -> u32 {
    let holders: usize = views.iter().flatten().map(View::len).sum();
    u32::try_from(holders).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Analyzer;
    use super::*;

    fn index_of(texts: &[&str]) -> TextIndex {
        let mut index = TextIndex::new();
        for (slot, text) in (0..).zip(texts) {
            index.add(slot, &Analyzer::new().analyze(text));
        }
        index
    }

    fn slots_of(index: &TextIndex, query: &str, k: usize) -> Vec<u32> {
        let query = Analyzer::new().analyze(query);
        index.search(&query, k, |_| true, u32::MAX).into_iter().map(|(slot, _)| slot).collect()
    }

    #[test]
    fn the_passage_with_the_rarer_word_comes_first() {
        let index = index_of(&["heat flow", "heat flow in slabs", "heat in slabs", "flutter of wings", "flutter"]);
        assert_eq!(slots_of(&index, "flutter of a wing", 10), [3, 4]);
        assert_eq!(slots_of(&index, "heating slabs", 2), [2, 1]);
    }

    #[test]
    fn equal_scores_go_by_slot() {
        let index = index_of(&["heat", "flow", "heat", "heat", "heat"]);
        assert_eq!(slots_of(&index, "heat", 3), [0, 2, 3]);
    }

    #[test]
    fn chinese_is_found_by_its_words() {
        let index = index_of(&["瓦希诺德维寺发生踩踏事件", "北京冬奥会开幕", "香港立法会选举"]);
        assert_eq!(slots_of(&index, "寺庙踩踏事故", 1), [0]);
        assert_eq!(slots_of(&index, "冬奥会开幕时间", 1), [1]);
    }

    #[test]
    fn slots_that_are_not_allowed_or_too_new_are_no_hits() {
        let index = index_of(&["heat", "heat", "heat", "heat"]);
        let query = Analyzer::new().analyze("heat");
        let hits = index.search(&query, 10, |slot| slot != 1, 3);
        assert_eq!(hits.iter().map(|(slot, _)| *slot).collect::<Vec<_>>(), [0, 2]);
    }

    #[test]
    fn no_hits_are_asked_for_or_possible() {
        let index = index_of(&["heat", "", "flow"]);
        assert!(slots_of(&index, "heat", 0).is_empty());
        assert!(slots_of(&index, "", 10).is_empty());
        assert!(slots_of(&index, "the unknown", 10).is_empty());
        assert!(slots_of(&TextIndex::new(), "heat", 10).is_empty());
        assert_eq!(index.len(), 3);
    }

    #[test]
    fn coverage_tells_a_foreign_query_from_a_familiar_one() {
        let index = index_of(&["heat flow", "flow of air"]);
        let coverage = |query| index.coverage(&Analyzer::new().analyze(query));
        assert_eq!(coverage("heat flow"), 1.0);
        assert_eq!(coverage("传热"), 0.0);
        assert_eq!(coverage(""), 0.0);
        assert!((0.1..0.9).contains(&coverage("heat pump")));
    }

    #[test]
    fn the_score_limit_is_above_every_hit() {
        let index = index_of(&["heat heat heat heat heat heat flow flow flow", "flow"]);
        let query = Analyzer::new().analyze("heat flow");
        assert!(index.search(&query, 1, |_| true, 2)[0].1 < index.score_limit(&query));
    }

    #[test]
    fn skipped_slots_hold_no_text_and_do_not_weigh() {
        let mut sparse = TextIndex::new();
        sparse.add(5, &Analyzer::new().analyze("heat flow"));
        sparse.add(9, &Analyzer::new().analyze("flow"));
        let query = Analyzer::new().analyze("heat");
        let dense = index_of(&["heat flow", "flow"]).search(&query, 1, |_| true, 2);
        assert_eq!(sparse.search(&query, 1, |_| true, 10), [(5, dense[0].1)]);
        assert_eq!(sparse.len(), 10);
    }

    #[test]
    fn a_query_of_a_whole_page_is_searched_by_its_most_telling_terms() {
        let numbers: Vec<String> = (0..5000).map(|number| number.to_string()).collect();
        let index = index_of(&[&numbers.join(" "), "7 42", "42"]);
        assert_eq!(slots_of(&index, &numbers.join(" "), 1), [0]);
    }

    #[test]
    fn remapping_equals_building_anew() {
        let texts = ["heat flow", "flutter", "heat of slabs", "wing flutter", "flow"];
        let index = index_of(&texts);
        let remapped = index.remap(|slot| [Some(2), None, Some(0), Some(1), None][slot as usize]);
        let built = index_of(&[texts[2], texts[3], texts[0]]);
        for query in texts {
            let query = Analyzer::new().analyze(query);
            assert_eq!(remapped.search(&query, 5, |_| true, 9), built.search(&query, 5, |_| true, 9));
            assert_eq!(remapped.coverage(&query), built.coverage(&query));
        }
        assert_eq!(remapped.len(), 3);
    }

    /// Scores every slot term by term, without blocks, bounds or windows, from the analysed texts alone.
    fn search_plainly(
        texts: &[Analyzed],
        query: &Analyzed,
        k: usize,
        allowed: impl Fn(u32) -> bool,
    ) -> Vec<(u32, f32)> {
        let documents = texts.iter().filter(|text| !text.is_empty()).count() as u32;
        let norm = LengthNorm::new(documents, texts.iter().map(|text| u64::from(text.length())).sum());
        let mut sums = vec![0; texts.len()];
        for (term, repetitions) in query.terms() {
            let holders: Vec<(usize, u32)> = (0..texts.len())
                .filter_map(|slot| Some((slot, texts[slot].terms().find(|(other, _)| *other == term)?.1)))
                .collect();
            let weight = weight(idf(documents, holders.len() as u32), repetitions);
            for (slot, occurrences) in holders {
                sums[slot] += norm.contribution(weight, occurrences, texts[slot].length());
            }
        }
        let mut hits: Vec<(u32, u32)> = (0..).zip(sums).filter(|(slot, sum)| *sum > 0 && allowed(*slot)).collect();
        hits.sort_by_key(|(slot, sum)| (std::cmp::Reverse(*sum), *slot));
        hits.truncate(k);
        hits.into_iter().map(|(slot, sum)| (slot, score_of_steps(sum))).collect()
    }

    /// Returns a text of number words. As in language, low numbers are frequent, and some words come in bursts.
    fn random_text(words_min: u64, vocabulary: f64, state: &mut u64) -> String {
        let mut next = || {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *state >> 33
        };
        let mut text = String::new();
        for _ in 0..words_min + next() % 8 {
            let word = vocabulary.powf(next() as f64 / f64::from(u32::MAX >> 1)) as u64;
            let burst = if next() % 512 == 0 { next() % 40 } else { 0 };
            (0..=burst).for_each(|_| text.push_str(&format!("{word} ")));
        }
        text
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn pruned_search_equals_plain_search(
            seed: u64,
            slots in prop_oneof![1_usize..300, 4000_usize..9000],
            words_min in 0_u64..20,
            vocabulary in 2.0..2000.0_f64,
            k in prop_oneof![1_usize..20, Just(5000)],
            keep_one_in in 1_u32..20,
        ) {
            let mut state = seed;
            let analyzer = Analyzer::new();
            let texts: Vec<Analyzed> =
                (0..slots).map(|_| analyzer.analyze(&random_text(words_min, vocabulary, &mut state))).collect();
            let mut index = TextIndex::new();
            (0..).zip(&texts).for_each(|(slot, text)| index.add(slot, text));
            let reopened = super::super::file::tests::reopened(&index);
            for _ in 0..8 {
                let query = analyzer.analyze(&random_text(0, vocabulary, &mut state));
                let slots_below = slots as u32 * 3 / 4;
                let allowed = |slot: u32| slot.is_multiple_of(keep_one_in);
                let plain = search_plainly(&texts, &query, k, |slot| slot < slots_below && allowed(slot));
                let pruned = index.search(&query, k, allowed, slots_below);
                prop_assert_eq!(&pruned, &plain);
                prop_assert_eq!(reopened.search(&query, k, allowed, slots_below), plain);
                let mut slots: Vec<u32> = pruned.iter().map(|(slot, _)| *slot).collect();
                slots.reverse();
                let scores: Vec<f32> = pruned.iter().rev().map(|(_, score)| *score).collect();
                prop_assert_eq!(index.score_of(&query, &slots), scores);
            }
        }
    }
}
