//! Owns the bounded rings between threads: one producer, one consumer, values given back when full.
//! Leaves out who sleeps and who wakes (see `wait`), and what travels.
//!
//! The queue is crossbeam's `ArrayQueue`: lock-free, allocated once. The two ends are types of their
//! own that can't be cloned, so that "one producer" is checked by the compiler; because of it a
//! producer's view of the room left can only be too small, never too large.

use crossbeam::queue::ArrayQueue;
use std::sync::Arc;

/// The pushing end of a ring.
#[derive(Debug)]
pub struct Producer<T> {
    queue: Arc<ArrayQueue<T>>,
}

/// The popping end of a ring.
#[derive(Debug)]
pub struct Consumer<T> {
    queue: Arc<ArrayQueue<T>>,
}

/// A ring of `slots` values (at least one).
#[must_use]
pub fn ring<T>(slots: usize) -> (Producer<T>, Consumer<T>) {
    let queue = Arc::new(ArrayQueue::new(slots.max(1)));
    (
        Producer {
            queue: Arc::clone(&queue),
        },
        Consumer { queue },
    )
}

impl<T> Producer<T> {
    /// Adds a value.
    ///
    /// # Errors
    /// Gives the value back when the ring is full.
    pub fn try_push(&self, value: T) -> Result<(), T> {
        self.queue.push(value)
    }

    /// Free slots, at least: the consumer may free more at any time, nobody else takes any.
    #[must_use]
    pub fn room(&self) -> usize {
        self.queue.capacity().saturating_sub(self.queue.len())
    }

    /// All slots.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.queue.capacity()
    }
}

impl<T> Consumer<T> {
    /// Takes the oldest value.
    #[must_use]
    pub fn pop(&self) -> Option<T> {
        self.queue.pop()
    }

    /// Values waiting.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// All slots.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.queue.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_ring_gives_the_value_back_and_keeps_the_order() {
        let (producer, consumer) = ring(2);
        assert_eq!(producer.try_push(1), Ok(()));
        assert_eq!(producer.try_push(2), Ok(()));
        assert_eq!(producer.try_push(3), Err(3));
        assert_eq!(producer.room(), 0);
        assert_eq!(consumer.pop(), Some(1));
        assert_eq!(producer.try_push(3), Ok(()));
        assert_eq!((consumer.pop(), consumer.pop()), (Some(2), Some(3)));
        assert!(consumer.is_empty());
    }
}
