//! A rate as one number: the generic cell rate algorithm. Knows nothing of what it counts.

const SECOND: u64 = 1_000_000_000;

/// Lets `per_second` events pass in any second, in bursts of as many; 0 lets everything pass.
#[derive(Debug, Clone, Copy)]
pub struct Throttle {
    interval: u64,
    burst: u64,
    /// Theoretical arrival time of the next event, monotonic nanoseconds.
    arrival: u64,
}

impl Throttle {
    /// A fresh throttle.
    #[must_use]
    pub const fn per_second(per_second: u32) -> Self {
        let interval = match per_second {
            0 => 0,
            n => SECOND.div_ceil(n as u64),
        };
        Self {
            interval,
            burst: interval.saturating_mul(per_second as u64),
            arrival: 0,
        }
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
    fn no_rate_means_no_throttle() {
        let mut throttle = Throttle::per_second(0);
        assert!((0..1000).all(|_| throttle.passes(0)));
    }
}
