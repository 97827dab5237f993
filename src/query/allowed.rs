//! The rows that may be hits at one version: those that live and pass a filter.
//!
//! A row never changes, so whether it passes is decided once. The sets of another version are made from those of a known
//! one: only rows that came since are tested, and only the ordinals of rows that came or went are looked up. Which sets
//! are kept is the caller's.

use super::Filter;
use crate::error::Result;
use crate::index::placed::Placed;
use crate::index::{Bitset, Snapshot};
use std::sync::{Arc, OnceLock};

/// The rows that pass a filter at one version.
pub struct Allowed {
    layout: u64,
    live: Arc<Bitset>,
    /// Name of the generation that numbers the ordinals.
    generation: Option<String>,
    /// The slots that pass, whether they live or not; none where nothing is asked.
    passing: Bitset,
    slots: Arc<Bitset>,
    count: usize,
    ordinals: OnceLock<Bitset>,
}

impl Allowed {
    /// Evaluates a filter on every row of a snapshot.
    pub fn new(snapshot: &Snapshot, filter: &Filter) -> Result<Self> {
        Self::after(None, snapshot, filter)
    }

    /// Evaluates a filter on a snapshot, going on from what it let pass at another version.
    pub fn after(earlier: Option<&Self>, snapshot: &Snapshot, filter: &Filter) -> Result<Self> {
        let earlier = earlier.filter(|earlier| earlier.leads_to(snapshot));
        let live = snapshot.live().clone();
        let (passing, slots) = if matches!(filter, Filter::All) {
            (Bitset::default(), live.clone())
        } else {
            let passing = passing(earlier.map(|earlier| &earlier.passing), snapshot, filter)?;
            let mut slots = passing.clone();
            slots.and(&live);
            (passing, Arc::new(slots))
        };
        let (count, generation) = (slots.count(), generation(snapshot));
        let ordinals = OnceLock::new();
        if let Some(earlier) = earlier.filter(|earlier| earlier.generation == generation)
            && let (Some(known), Some(placed)) = (earlier.ordinals.get(), snapshot.placed())
        {
            let followed = follow(known, &earlier.slots, &slots, |slot| placed.ordinal(slot));
            ordinals.get_or_init(|| followed);
        }
        Ok(Self { layout: snapshot.layout(), live, generation, passing, slots, count, ordinals })
    }

    /// Returns whether these are the sets of a snapshot.
    pub fn is_of(&self, snapshot: &Snapshot) -> bool {
        self.leads_to(snapshot) && Arc::ptr_eq(&self.live, snapshot.live()) && self.generation == generation(snapshot)
    }

    /// Returns whether sets of a snapshot can be made from these.
    pub fn leads_to(&self, snapshot: &Snapshot) -> bool {
        self.layout == snapshot.layout()
    }

    /// Returns the bytes of the sets, those shared with the snapshot left out.
    pub fn bytes(&self) -> usize {
        let ordinals = self.ordinals.get().map_or(0, Bitset::len);
        (self.passing.len() + self.slots.len() + ordinals) / 8
    }

    /// Returns the number of rows that pass.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the slots that pass.
    pub fn slots(&self) -> &Bitset {
        &self.slots
    }

    /// Returns the ordinals that pass, of the generation that was in place.
    pub fn ordinals(&self, placed: &Placed) -> &Bitset {
        self.ordinals.get_or_init(|| placed.ordinals_of(&self.slots, self.count))
    }

    /// Returns whether the row at a slot passes.
    pub fn contains(&self, slot: u32) -> bool {
        self.slots.contains(slot as usize)
    }
}

fn generation(snapshot: &Snapshot) -> Option<String> {
    snapshot.placed().map(|placed| placed.name.clone())
}

/// Returns the slots of a snapshot that pass, live or not; those that are known are not tested again.
fn passing(known: Option<&Bitset>, snapshot: &Snapshot, filter: &Filter) -> Result<Bitset> {
    let slots = snapshot.slots() as usize;
    let mut passing = known.cloned().unwrap_or_default();
    let tested = passing.len();
    passing.resize(slots, false);
    for segment in snapshot.columns().segments().iter().filter(|segment| segment.end() as usize > tested) {
        let base = segment.base() as usize;
        let from = tested.saturating_sub(base);
        let rows = segment.columns().slice(from, segment.len() - from);
        let bits = filter.evaluate_with(&rows, &|field| segment.order(field).filter(|_| from == 0))?;
        passing.set_words(base + from, bits.bit_chunks().iter_padded());
    }
    Ok(passing)
}

/// Returns the ordinals of some slots, going on from those of other slots.
fn follow(known: &Bitset, before: &Bitset, slots: &Bitset, ordinal: impl Fn(u32) -> Option<u32>) -> Bitset {
    let mut ordinals = known.clone();
    for slot in before.differences(slots).iter() {
        match ordinal(slot as u32) {
            Some(ordinal) if slots.contains(slot) => ordinals.set(ordinal as usize),
            Some(ordinal) => ordinals.clear(ordinal as usize),
            None => {}
        }
    }
    ordinals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Segment;
    use crate::index::snapshot::NewRows;
    use crate::query::filter::Comparison;
    use crate::schema::{Metric, Value, Version};
    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};

    fn with_rows(snapshot: &Snapshot, removed: &[u32], numbers: std::ops::Range<i64>) -> Snapshot {
        let count = numbers.clone().count();
        let text = |n: i64| (n % 5 > 0).then(|| format!("t{}", n % 3));
        let texts: ArrayRef = Arc::new(StringArray::from_iter(numbers.clone().map(text)));
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers));
        let rows = RecordBatch::try_from_iter([("n", numbers), ("t", texts)]).unwrap();
        let base = snapshot.slots();
        let row_ids = (u64::from(base)..).take(count).collect();
        let segment = Segment::new(base, row_ids, vec![1; count], &rows).unwrap();
        let added = NewRows { segment, vectors: Vec::new(), texts: Vec::new() };
        snapshot.next(Version(snapshot.version().0 + 1), removed, Some(added)).unwrap()
    }

    fn filters() -> Vec<Filter> {
        let (n, t) = (|| "n".to_owned(), || "t".to_owned());
        let text = |text: &str| Value::String(text.to_owned());
        let from = Filter::Compare { field: n(), op: Comparison::GreaterOrEqual, value: Value::Integer(40) };
        let named = Filter::In { field: t(), values: vec![text("t0"), text("t2")] };
        let none = Filter::IsNull { field: t() };
        let both = Filter::And(vec![from.clone(), named.clone()]);
        vec![Filter::All, Filter::Not(Box::new(named.clone())), Filter::Or(vec![from, none.clone()]), both, named, none]
    }

    #[test]
    fn sets_that_are_followed_are_those_that_are_made_anew() {
        let mut versions = vec![Snapshot::empty(Version(1), 2, Metric::Cosine)];
        for step in 0..40 {
            let newest = versions.last().unwrap();
            let removed: Vec<u32> = (0..newest.slots()).filter(|slot| slot % 17 == step % 17).collect();
            let first = i64::from(newest.slots());
            versions.push(with_rows(newest, &removed, first..first + i64::from(step % 4)));
        }
        for filter in filters() {
            let mut known: Option<Allowed> = None;
            // Forwards, and from the newest back to some earlier ones.
            for snapshot in versions.iter().chain([&versions[3], &versions[40], &versions[20]]) {
                let anew = Allowed::new(snapshot, &filter).unwrap();
                let followed = Allowed::after(known.as_ref(), snapshot, &filter).unwrap();
                assert!(followed.is_of(snapshot) && followed.slots() == anew.slots(), "{filter}");
                assert_eq!(followed.count(), anew.count());
                known = Some(followed);
            }
        }
    }

    #[test]
    fn ordinals_follow_their_slots() {
        let set = |len: usize, members: &[usize]| {
            let mut set = Bitset::new(len);
            members.iter().for_each(|&at| set.set(at));
            set
        };
        // Slots 0 to 9 stand at ordinals 9 to 0; those behind have none.
        let ordinal = |slot: u32| 9_u32.checked_sub(slot);
        let (before, after) = (set(10, &[0, 3, 7]), set(200, &[3, 4, 9, 150]));
        let ordinals = follow(&set(10, &[9, 6, 2]), &before, &after, ordinal);
        assert_eq!(ordinals, set(10, &[6, 5, 0]));
    }
}
