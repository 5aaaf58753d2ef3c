//! Extism's memory: blocks outside the guest's own memory that the guest fills and reads by 64-bit offsets.
//!
//! Extism keeps them in one flat memory of a second module. Here each block is an allocation of its own at an offset
//! that is never used twice, so a forged offset, an overrun or a use after `free` meets an error instead of someone
//! else's bytes.

use super::budget::Budget;
use crate::error::Error;

/// Offset of the first block: small numbers, which a slip produces, are no block's.
const FIRST_OFFSET: u64 = 1 << 12;
/// Bytes between blocks, so that an overrun does not land in the next.
const GAP: u64 = 64;
/// What a block costs beside its bytes.
const BLOCK_OVERHEAD: u64 = 96;
/// Freed blocks are swept when there are more than this and than living ones.
const SWEEP_AFTER: usize = 64;

#[derive(Debug)]
struct Block {
    offset: u64,
    /// What the guest asked for; `bytes` is rounded up to whole 8-byte words, which guests may touch in full.
    length: u64,
    bytes: Vec<u8>,
    is_freed: bool,
}

impl Block {
    fn cost(&self) -> u64 {
        self.bytes.len() as u64 + BLOCK_OVERHEAD
    }
}

/// The blocks, the input and what the guest set as output and error.
#[derive(Debug)]
pub(crate) struct Kernel {
    /// Sorted by offset, as offsets only grow.
    blocks: Vec<Block>,
    freed: usize,
    next_offset: u64,
    /// Index of the block used last: guests move 8 bytes per call through one block.
    recent: usize,
    input: Vec<u8>,
    output: Option<(u64, u64)>,
    error: Option<u64>,
}

impl Kernel {
    pub(crate) fn new(input: Vec<u8>) -> Self {
        Self { blocks: Vec::new(), freed: 0, next_offset: FIRST_OFFSET, recent: 0, input, output: None, error: None }
    }

    pub(crate) fn input_length(&self) -> u64 {
        self.input.len() as u64
    }

    /// The byte of the input at `offset`; 0 beyond its end, as Extism does.
    pub(crate) fn input_load_u8(&self, offset: u64) -> u8 {
        usize::try_from(offset).ok().and_then(|index| self.input.get(index)).copied().unwrap_or(0)
    }

    /// The little-endian word of the input at `offset`; 0 unless all of it is inside, as Extism does.
    pub(crate) fn input_load_u64(&self, offset: u64) -> u64 {
        word_at(&self.input, offset).map_or(0, u64::from_le_bytes)
    }

    /// A new block of zeros; offset 0 for length 0, as Extism does.
    pub(crate) fn alloc(&mut self, budget: &mut Budget, length: u64) -> Result<u64, Error> {
        if length == 0 {
            return Ok(0);
        }
        let padded = length.checked_next_multiple_of(8).ok_or_else(|| budget.exceeded())?;
        budget.charge(padded.saturating_add(BLOCK_OVERHEAD))?;
        let size = usize::try_from(padded).map_err(|_| budget.exceeded())?;
        let offset = self.next_offset;
        self.next_offset =
            padded.checked_add(GAP).and_then(|step| offset.checked_add(step)).ok_or_else(|| budget.exceeded())?;
        self.recent = self.blocks.len();
        self.blocks.push(Block { offset, length, bytes: vec![0; size], is_freed: false });
        Ok(offset)
    }

    /// A new block that holds `bytes`; offset 0 for none.
    pub(crate) fn alloc_bytes(&mut self, budget: &mut Budget, bytes: &[u8]) -> Result<u64, Error> {
        let offset = self.alloc(budget, bytes.len() as u64)?;
        if let Some(block) = self.blocks.last_mut().filter(|block| block.offset == offset)
            && let Some(place) = block.bytes.get_mut(..bytes.len())
        {
            place.copy_from_slice(bytes);
        }
        Ok(offset)
    }

    /// Gives a block back. An offset that is none is ignored, as Extism does; so is the block of the output or the
    /// error, which guests free although the host has yet to read it.
    pub(crate) fn free(&mut self, budget: &mut Budget, offset: u64) {
        let Some(index) = self.find(offset) else { return };
        let in_use = |start: u64, block: &Block| start >= block.offset && start - block.offset < block.length;
        let Some(block) = self.blocks.get_mut(index).filter(|block| block.offset == offset) else { return };
        if self.error == Some(offset) || self.output.is_some_and(|(start, _)| in_use(start, block)) {
            return;
        }
        budget.release(block.cost());
        block.bytes = Vec::new();
        block.length = 0;
        block.is_freed = true;
        self.freed += 1;
        if self.freed > SWEEP_AFTER && self.freed > self.blocks.len() / 2 {
            self.blocks.retain(|block| !block.is_freed);
            self.freed = 0;
            self.recent = 0;
        }
    }

    /// The length of the block that starts at `offset`; 0 if none does, as Extism does.
    pub(crate) fn length(&mut self, offset: u64) -> u64 {
        self.find(offset)
            .and_then(|index| self.blocks.get(index))
            .filter(|block| block.offset == offset)
            .map_or(0, |block| block.length)
    }

    pub(crate) fn load_u8(&mut self, offset: u64) -> Result<u8, Error> {
        let (block, at) = self.locate(offset, "load_u8")?;
        block.bytes.get(at).copied().ok_or_else(|| outside(offset, "load_u8"))
    }

    pub(crate) fn load_u64(&mut self, offset: u64) -> Result<u64, Error> {
        let (block, at) = self.locate(offset, "load_u64")?;
        word_at(&block.bytes, at as u64).map(u64::from_le_bytes).ok_or_else(|| outside(offset, "load_u64"))
    }

    pub(crate) fn store_u8(&mut self, offset: u64, value: u8) -> Result<(), Error> {
        let (block, at) = self.locate(offset, "store_u8")?;
        *block.bytes.get_mut(at).ok_or_else(|| outside(offset, "store_u8"))? = value;
        Ok(())
    }

    pub(crate) fn store_u64(&mut self, offset: u64, value: u64) -> Result<(), Error> {
        let (block, at) = self.locate(offset, "store_u64")?;
        let place = at.checked_add(8).and_then(|end| block.bytes.get_mut(at..end));
        place.ok_or_else(|| outside(offset, "store_u64"))?.copy_from_slice(&value.to_le_bytes());
        Ok(())
    }

    /// All bytes of the block that starts at `offset`; none for offset 0.
    pub(crate) fn bytes(&mut self, offset: u64, function: &'static str) -> Result<&[u8], Error> {
        if offset == 0 {
            return Ok(&[]);
        }
        let (block, at) = self.locate(offset, function)?;
        if at != 0 {
            return Err(outside(offset, function));
        }
        let length = block.length as usize;
        block.bytes.get(..length).ok_or_else(|| outside(offset, function))
    }

    pub(crate) fn output_set(&mut self, offset: u64, length: u64) -> Result<(), Error> {
        if length == 0 {
            self.output = Some((0, 0));
            return Ok(());
        }
        let (block, at) = self.locate(offset, "output_set")?;
        match (at as u64).checked_add(length) {
            Some(end) if end <= block.length => {}
            _ => return Err(outside(offset, "output_set")),
        }
        self.output = Some((offset, length));
        Ok(())
    }

    /// What the guest set as its output, and takes it; none if it set nothing.
    pub(crate) fn take_output(&mut self) -> Option<Vec<u8>> {
        let (offset, length) = self.output.take()?;
        if length == 0 {
            return Some(Vec::new());
        }
        let index = self.find(offset)?;
        let block = self.blocks.get_mut(index)?;
        let at = usize::try_from(offset - block.offset).ok()?;
        let end = at.checked_add(usize::try_from(length).ok()?)?;
        if at > 0 {
            return block.bytes.get(at..end).map(<[u8]>::to_vec);
        }
        block.bytes.truncate(end);
        Some(std::mem::take(&mut block.bytes))
    }

    /// The length of what the guest set as its output.
    pub(crate) fn output_length(&self) -> u64 {
        self.output.map_or(0, |(_, length)| length)
    }

    pub(crate) fn error_set(&mut self, offset: u64) -> Result<(), Error> {
        if offset == 0 {
            self.error = None;
            return Ok(());
        }
        self.bytes(offset, "error_set")?;
        self.error = Some(offset);
        Ok(())
    }

    /// The offset of the block with the error text; 0 if there is none.
    pub(crate) fn error_get(&self) -> u64 {
        self.error.unwrap_or(0)
    }

    /// The error text that the guest set, if any.
    pub(crate) fn error_bytes(&mut self) -> Option<&[u8]> {
        let offset = self.error?;
        self.bytes(offset, "error_set").ok()
    }

    /// The living block that `offset` points into, and the place in it.
    fn locate(&mut self, offset: u64, function: &'static str) -> Result<(&mut Block, usize), Error> {
        let index = self.find(offset).ok_or_else(|| outside(offset, function))?;
        let block = self.blocks.get_mut(index).ok_or_else(|| outside(offset, function))?;
        let at = usize::try_from(offset - block.offset).map_err(|_| outside(offset, function))?;
        Ok((block, at))
    }

    /// The index of the living block that `offset` points into. An offset behind a block's end counts as its next word,
    /// so that the accesses themselves check the end.
    fn find(&mut self, offset: u64) -> Option<usize> {
        let holds = |block: &Block| {
            !block.is_freed && offset >= block.offset && offset - block.offset < block.bytes.len() as u64
        };
        if self.blocks.get(self.recent).is_some_and(holds) {
            return Some(self.recent);
        }
        let index = self.blocks.partition_point(|block| block.offset <= offset).checked_sub(1)?;
        self.blocks.get(index).filter(|block| holds(block))?;
        self.recent = index;
        Some(index)
    }
}

fn word_at(bytes: &[u8], offset: u64) -> Option<[u8; 8]> {
    let start = usize::try_from(offset).ok()?;
    bytes.get(start..start.checked_add(8)?)?.try_into().ok()
}

fn outside(offset: u64, function: &'static str) -> Error {
    Error::refused(format!("it called `{function}` with an offset that is in no block of its own ({offset:#x})"))
        .hint("this is a defect of the plugin or an attack; report it to the plugin's author")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const LIMIT: u64 = 1 << 16;

    #[test]
    fn words_and_bytes_agree_and_ends_hold() {
        let (mut kernel, mut budget) = (Kernel::new(b"0123456789".to_vec()), Budget::new(LIMIT));
        assert_eq!(kernel.input_load_u64(0).to_le_bytes(), *b"01234567");
        assert_eq!((kernel.input_load_u64(3), kernel.input_load_u8(9), kernel.input_load_u8(10)), (0, b'9', 0));
        assert_eq!((kernel.input_load_u64(u64::MAX), kernel.input_load_u64(u64::MAX - 7)), (0, 0));
        let block = kernel.alloc(&mut budget, 5).unwrap();
        kernel.store_u64(block, 0x0807_0605_0403_0201).unwrap();
        assert_eq!((kernel.load_u8(block).unwrap(), kernel.length(block)), (1, 5));
        assert_eq!(kernel.bytes(block, "x").unwrap(), [1, 2, 3, 4, 5]);
        for offset in [0, 1, block - 1, block + 1, block + 8, 1 << 32, u64::MAX, u64::MAX - 7] {
            assert!(kernel.load_u64(offset).is_err() && kernel.store_u64(offset, 1).is_err(), "{offset}");
            assert_eq!(kernel.length(offset), 0);
        }
    }

    #[test]
    fn outputs_stay_inside_their_block_and_survive_being_freed() {
        let (mut kernel, mut budget) = (Kernel::new(Vec::new()), Budget::new(LIMIT));
        let block = kernel.alloc_bytes(&mut budget, b"hello").unwrap();
        for (offset, length) in [(block, 6), (block + 1, 5), (block, u64::MAX), (0, 1), (u64::MAX, 1)] {
            assert!(kernel.output_set(offset, length).is_err());
        }
        kernel.output_set(block + 1, 4).unwrap();
        kernel.free(&mut budget, block);
        assert_eq!(kernel.take_output().as_deref(), Some(&b"ello"[..]));
        kernel.output_set(block, 5).unwrap();
        assert_eq!(kernel.take_output().as_deref(), Some(&b"hello"[..]));
        kernel.output_set(7, 0).unwrap();
        assert_eq!(kernel.take_output().as_deref(), Some(&b""[..]));
    }

    #[test]
    fn memory_is_counted_and_given_back() {
        let (mut kernel, mut budget) = (Kernel::new(Vec::new()), Budget::new(LIMIT));
        for length in [LIMIT, u64::MAX, u64::MAX - 7, 1 << 40] {
            assert_eq!(kernel.alloc(&mut budget, length).unwrap_err().exit_code(), crate::error::ExitCode::Limit);
        }
        for _ in 0..10_000 {
            let block = kernel.alloc(&mut budget, 1000).unwrap();
            kernel.free(&mut budget, block);
            kernel.free(&mut budget, block);
        }
        assert!(kernel.blocks.len() <= 2 * SWEEP_AFTER + 2, "freed blocks are swept");
        let blocks = (0..).map_while(|_| kernel.alloc(&mut budget, 1).ok()).count() as u64;
        assert_eq!(blocks, LIMIT / (8 + BLOCK_OVERHEAD), "tiny blocks count with what they cost");
    }

    #[derive(Debug, Clone)]
    enum Call {
        Alloc(u64),
        Free(usize),
        Load(usize, i64),
        Store(usize, i64, u64),
        Forged(u64, u64),
        Output(usize, i64, u64),
    }

    fn call() -> impl Strategy<Value = Call> {
        let lengths = prop_oneof![0..40_u64, Just(u64::MAX), Just(LIMIT), Just(u64::from(u32::MAX))];
        let inside = -9..50_i64;
        prop_oneof![
            lengths.prop_map(Call::Alloc),
            (0..8_usize).prop_map(Call::Free),
            (0..8_usize, inside.clone()).prop_map(|(block, at)| Call::Load(block, at)),
            (0..8_usize, inside.clone(), any::<u64>()).prop_map(|(block, at, value)| Call::Store(block, at, value)),
            (any::<u64>(), any::<u64>()).prop_map(|(offset, value)| Call::Forged(offset, value)),
            (0..8_usize, inside, 0..60_u64).prop_map(|(block, at, length)| Call::Output(block, at, length)),
        ]
    }

    proptest! {
        /// Random calls against a model: a map from each living byte's offset to its value.
        #[test]
        fn no_call_reaches_beyond_a_living_block(calls in prop::collection::vec(call(), 0..120)) {
            let (mut kernel, mut budget) = (Kernel::new(vec![7; 20]), Budget::new(LIMIT));
            let mut model: BTreeMap<u64, u8> = BTreeMap::new();
            let mut offsets: Vec<(u64, u64)> = Vec::new();
            let mut output = None;
            for call in calls {
                let pick = |block: usize, at: i64| offsets.get(block).map(|(start, _)| start.wrapping_add_signed(at));
                match call {
                    Call::Alloc(length) => if let Ok(start) = kernel.alloc(&mut budget, length) && start > 0 {
                        prop_assert!(length < LIMIT && !model.contains_key(&start));
                        model.extend((start..start + length.next_multiple_of(8)).map(|at| (at, 0)));
                        offsets.push((start, length));
                    },
                    Call::Free(block) => if let Some(&(start, length)) = offsets.get(block) {
                        kernel.free(&mut budget, start);
                        let is_output = output.is_some_and(|(at, _): (u64, u64)| at >= start && at < start + length);
                        if !is_output {
                            offsets.remove(block);
                            model.retain(|at, _| !(start..start + length.next_multiple_of(8)).contains(at));
                        }
                    },
                    Call::Load(block, at) => if let Some(offset) = pick(block, at) {
                        let expected: Option<Vec<u8>> = (0..8).map(|i| model.get(&offset.wrapping_add(i)).copied()).collect();
                        let expected = expected.map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
                        prop_assert_eq!(kernel.load_u64(offset).ok(), expected);
                        prop_assert_eq!(kernel.load_u8(offset).ok(), model.get(&offset).copied());
                    },
                    Call::Store(block, at, value) => if let Some(offset) = pick(block, at) {
                        let inside = (0..8).all(|i| model.contains_key(&offset.wrapping_add(i)));
                        prop_assert_eq!(kernel.store_u64(offset, value).is_ok(), inside);
                        if inside {
                            model.extend((0..8).map(|i| (offset + i, value.to_le_bytes()[i as usize])));
                        }
                    },
                    Call::Forged(offset, value) => {
                        if !model.contains_key(&offset) {
                            prop_assert!(kernel.load_u8(offset).is_err() && kernel.store_u8(offset, 1).is_err());
                            prop_assert!(kernel.store_u64(offset, value).is_err());
                            kernel.free(&mut budget, offset);
                        }
                        kernel.input_load_u64(offset);
                    },
                    Call::Output(block, at, length) => if let Some(offset) = pick(block, at) {
                        let inside = length == 0 || offsets.iter().any(|(start, own)| {
                            offset >= *start && offset - start < *own && length <= own - (offset - start)
                        });
                        prop_assert_eq!(kernel.output_set(offset, length).is_ok(), inside);
                        if inside { output = (length > 0).then_some((offset, length)); }
                    },
                }
            }
            if let Some((offset, length)) = output {
                let expected: Vec<u8> = (offset..offset + length).map(|at| model[&at]).collect();
                prop_assert_eq!(kernel.take_output(), Some(expected));
            }
        }
    }
}
