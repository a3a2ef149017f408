//! A rate as one number: the generic cell rate algorithm. Knows nothing of what it counts.

const SECOND: u64 = 1_000_000_000;

/// Lets a number of events pass in any second, in bursts; a rate of 0 lets everything pass.
#[derive(Debug, Clone, Copy)]
pub struct Throttle {
    interval: u64,
    burst: u64,
    /// Theoretical arrival time of the next event, monotonic nanoseconds.
    arrival: u64,
}

impl Throttle {
    /// A fresh throttle for `per_second` events a second, in bursts of as many.
    #[must_use]
    pub const fn per_second(per_second: u32) -> Self {
        Self::with_burst(per_second, per_second)
    }

    /// A fresh throttle for `per_second` events a second, in bursts of `burst`.
    #[must_use]
    pub const fn with_burst(per_second: u32, burst: u32) -> Self {
        let interval = match per_second {
            0 => 0,
            n => SECOND.div_ceil(n as u64),
        };
        Self {
            interval,
            burst: interval.saturating_mul(burst as u64),
            arrival: 0,
        }
    }

    /// Whether it has forgotten everything that passed by `now`.
    #[must_use]
    pub const fn is_fresh(&self, now: u64) -> bool {
        self.arrival <= now
    }

    /// Whether an event at `now` passes; one that does is counted.
    pub fn passes(&mut self, now: u64) -> bool {
        if self.interval == 0 {
            return true;
        }
        let next = self.arrival.max(now).saturating_add(self.interval);
        let conforms = next.saturating_sub(now) <= self.burst;
        if conforms {
            self.arrival = next;
        }
        conforms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_the_rate_pass_at_once_and_one_more_after_each_interval() {
        let mut throttle = Throttle::per_second(10);
        assert_eq!((0..20).filter(|_| throttle.passes(1)).count(), 10);
        assert!(!throttle.passes(SECOND / 10));
        assert!(throttle.passes(1 + SECOND / 10));
        assert!(!throttle.passes(1 + SECOND / 10));
    }

    #[test]
    fn a_burst_may_be_longer_or_shorter_than_a_second_of_the_rate() {
        let mut throttle = Throttle::with_burst(10, 3);
        assert_eq!((0..20).filter(|_| throttle.passes(1)).count(), 3);
        assert!(throttle.passes(1 + SECOND / 10));
        let mut throttle = Throttle::with_burst(1, 30);
        assert_eq!((0..50).filter(|_| throttle.passes(1)).count(), 30);
        assert!(!throttle.is_fresh(1 + 29 * SECOND));
        assert!(throttle.is_fresh(1 + 30 * SECOND));
    }

    #[test]
    fn no_rate_means_no_throttle() {
        let mut throttle = Throttle::per_second(0);
        assert!((0..1000).all(|_| throttle.passes(0)));
    }
}
