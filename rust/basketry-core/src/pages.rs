//! Room for the long columns of a result.
//!
//! A column of millions of values is written once and handed over. What the system asks for that room, page by page, can cost
//! more than finding the values; on huge pages it costs little.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use arrow_buffer::{ArrowNativeType, Buffer, ScalarBuffer};
use bytemuck::Pod;
use memmap2::MmapMut;

use crate::{Error, Result};

/// The bytes of a huge page.
pub(crate) const HUGE: usize = 1 << 21;
/// Bytes from which a column gets pages of its own, which go back to the system as soon as it goes; an allocator keeps them.
const OWN: usize = 1 << 19;

/// A column of fixed length, at first all zero.
#[derive(Debug)]
pub struct Pages<T> {
    room: Room,
    length: usize,
    values: PhantomData<T>,
}

#[derive(Debug)]
enum Room {
    /// Words, so that every value stands where it must.
    Heap(Vec<u128>),
    Mapped(MmapMut),
}

impl<T: Pod> Pages<T> {
    /// Room for `length` values.
    ///
    /// # Errors
    /// [`Error::Memory`] if the system has not so much.
    pub fn zeroed(length: usize) -> Result<Self> {
        let bytes = length * size_of::<T>();
        let room = if bytes < OWN {
            Room::Heap(vec![0; bytes.div_ceil(size_of::<u128>())])
        } else {
            // A column that fills a huge page but for the part of a value belongs there as well.
            let huge = bytes + size_of::<T>() > HUGE;
            let map = MmapMut::map_anon(if huge { bytes.next_multiple_of(HUGE) } else { bytes });
            let map = map.map_err(|_| Error::Memory { bytes: bytes as u64 })?;
            // A wish: small pages do as well, only slower.
            #[cfg(target_os = "linux")]
            if huge {
                let _ = map.advise(memmap2::Advice::HugePage);
            }
            Room::Mapped(map)
        };
        Ok(Self { room, length, values: PhantomData })
    }
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self { room: Room::Heap(Vec::new()), length: 0, values: PhantomData }
    }
}

impl<T: Pod> Deref for Pages<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        let bytes = self.length * size_of::<T>();
        match &self.room {
            Room::Heap(words) => bytemuck::cast_slice(&bytemuck::cast_slice::<u128, u8>(words)[..bytes]),
            Room::Mapped(map) => bytemuck::cast_slice(&map[..bytes]),
        }
    }
}

impl<T: Pod> DerefMut for Pages<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        let bytes = self.length * size_of::<T>();
        match &mut self.room {
            Room::Heap(words) => {
                bytemuck::cast_slice_mut(&mut bytemuck::cast_slice_mut::<u128, u8>(words)[..bytes])
            }
            Room::Mapped(map) => bytemuck::cast_slice_mut(&mut map[..bytes]),
        }
    }
}

impl<T: Pod + ArrowNativeType> From<Pages<T>> for ScalarBuffer<T> {
    fn from(column: Pages<T>) -> Self {
        let buffer = match column.room {
            Room::Heap(words) => Buffer::from_vec(words),
            Room::Mapped(map) => Buffer::from(bytes::Bytes::from_owner(map)),
        };
        Self::new(buffer, 0, column.length)
    }
}

/// Pieces of given lengths, one after the other.
pub(crate) fn cut_up<'a, T>(mut whole: &'a mut [T], lengths: &[usize]) -> Vec<&'a mut [T]> {
    let mut pieces = Vec::with_capacity(lengths.len());
    for &length in lengths {
        let (piece, rest) = whole.split_at_mut(length);
        pieces.push(piece);
        whole = rest;
    }
    pieces
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_columns_hold_what_is_written() {
        for length in [0, 1, 3, OWN / 4 - 1, OWN / 4, HUGE / 4 - 2, HUGE / 4 - 1, HUGE / 4, HUGE] {
            let mut column = Pages::<u32>::zeroed(length).unwrap();
            assert_eq!(column.len(), length);
            assert!(column.iter().all(|&value| value == 0));
            column.iter_mut().zip(0..).for_each(|(value, at)| *value = at);
            let buffer = ScalarBuffer::from(column);
            assert!(buffer.iter().copied().eq(0..length as u32));
        }
    }
}
