//! The index of a list: a hash table of places, open addressed and at most half full.
//!
//! It holds four bytes of the hash beside each place, so that a probe that misses touches nothing
//! else. Before it stands a filter of four bits a slot, small enough to stay in a processor's cache:
//! of the probes for the longest prefix all but a few miss. Keys come from files of the administrator, so the hash need not resist attackers: values
//! from outside are only looked up.

const EMPTY: u32 = u32::MAX;
/// Bits of the filter for each slot: of hashes that are not there, one in eight passes.
const FILTER_BITS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    tag: u32,
    row: u32,
}

/// See the [module](self).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Slots {
    /// A power of two of them, or none.
    slots: Box<[Slot]>,
    /// A bit is set for each hash that is there.
    filter: Box<[u64]>,
    taken: usize,
}

/// FNV-1a of 64 bits: goes on from a prefix to the next longer one, and is the same everywhere.
#[derive(Clone, Copy)]
pub(super) struct Hash(u64);

impl Default for Hash {
    fn default() -> Hash {
        Hash(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// FNV leaves its low bits alike for keys that differ at their ends only; this mixes them.
    pub(super) fn finish(self) -> u64 {
        let mut hash = self.0;
        hash ^= hash >> 33;
        hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash ^= hash >> 33;
        hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^ (hash >> 33)
    }
}

impl Slots {
    pub(super) fn with_room(rows: usize) -> Slots {
        let slots = (rows * 2).next_power_of_two();
        let slots = vec![Slot { tag: 0, row: EMPTY }; slots].into_boxed_slice();
        let filter = vec![0; (slots.len() * FILTER_BITS).div_ceil(64)].into_boxed_slice();
        Slots { slots, filter, taken: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.taken
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.slots) + size_of_val(&*self.filter)
    }

    /// The row of this hash that `is` the one.
    pub(super) fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let (word, bit) = self.bit(hash)?;
        if self.filter[word] & bit == 0 {
            return None;
        }
        let slot = self.slots.get(self.place(hash, is)?)?;
        (slot.row != EMPTY).then_some(slot.row)
    }

    /// Puts a row in, in place of the one that `is` the same; returns that one. There has to be
    /// room.
    pub(super) fn insert(&mut self, hash: u64, row: u32, is: impl Fn(u32) -> bool) -> Option<u32> {
        let place = self.place(hash, is)?;
        let (word, bit) = self.bit(hash)?;
        self.filter[word] |= bit;
        let slot = &mut self.slots[place];
        let replaced = (slot.row != EMPTY).then_some(slot.row);
        *slot = Slot { tag: tag(hash), row };
        self.taken += usize::from(replaced.is_none());
        replaced
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = u32> {
        self.slots.iter().map(|slot| slot.row).filter(|row| *row != EMPTY)
    }

    /// The word of the filter, and the bit in it.
    fn bit(&self, hash: u64) -> Option<(usize, u64)> {
        let last = (self.filter.len() * 64).checked_sub(1)?;
        let bit = low(hash) & last;
        Some((bit / 64, 1 << (bit % 64)))
    }

    /// Where the row is, or would be.
    fn place(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<usize> {
        let last = self.slots.len().checked_sub(1)?;
        let (mut at, tag) = (low(hash) & last, tag(hash));
        loop {
            let slot = self.slots[at];
            if slot.row == EMPTY || slot.tag == tag && is(slot.row) {
                return Some(at);
            }
            at = (at + 1) & last;
        }
    }
}

/// The half of the hash that says the place.
fn low(hash: u64) -> usize {
    usize::try_from(hash & 0xFFFF_FFFF).unwrap_or_default()
}

/// The half that says nothing of it.
fn tag(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or_default()
}
