//! Deterministic randomness: splitmix64, and a Zipf distribution over ranks.

/// A generator whose stream depends on its seed alone.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A stream of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    #[expect(
        clippy::should_implement_trait,
        reason = "a stream of bits without an end"
    )]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Below `bound`, which is not 0. The bias is below 2⁻³² for the bounds used here.
    pub fn below(&mut self, bound: u32) -> u32 {
        let wide = (self.next() >> 32) * u64::from(bound);
        u32::try_from(wide >> 32).unwrap_or(0)
    }

    /// Below `bound`, as an index.
    pub fn index(&mut self, bound: usize) -> usize {
        self.below(u32::try_from(bound).unwrap_or(u32::MAX)) as usize
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high - low + 1)
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    /// In [0, 1).
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Ranks with probability proportional to 1 / (rank + 1)^s, by Gray's method (SIGMOD 1994), s below 1.
#[derive(Debug, Clone)]
pub struct Zipf {
    n: u32,
    theta: f64,
    alpha: f64,
    zeta: f64,
    eta: f64,
}

impl Zipf {
    /// Over ranks below `n`, which is not 0.
    #[must_use]
    pub fn new(n: u32, theta: f64) -> Self {
        let zeta_of = |n: u32| -> f64 { (1..=n).map(|i| f64::from(i).powf(-theta)).sum() };
        let zeta = zeta_of(n);
        let alpha = 1.0 / (1.0 - theta);
        let eta = (1.0 - (2.0 / f64::from(n)).powf(1.0 - theta)) / (1.0 - zeta_of(2.min(n)) / zeta);
        Self {
            n,
            theta,
            alpha,
            zeta,
            eta,
        }
    }

    /// Draws a rank.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the rank is in 0..n by construction, and clamped"
    )]
    pub fn rank(&self, random: &mut Random) -> u32 {
        let u = random.unit();
        let uz = u * self.zeta;
        if uz < 1.0 {
            return 0;
        }
        if uz < 1.0 + 0.5_f64.powf(self.theta) {
            return 1.min(self.n - 1);
        }
        let rank = f64::from(self.n) * (self.eta * u - self.eta + 1.0).powf(self.alpha);
        (rank as u32).min(self.n - 1)
    }
}
