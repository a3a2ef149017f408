//! "Did you mean": the nearest known name to one that is not known.

/// ` - did you mean …?`, or the choice of names if there are few, or nothing.
///
/// The result begins with a separator, so that it can follow a message directly.
#[must_use]
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let lower = name.to_ascii_lowercase();
    let nearest = known
        .iter()
        .map(|candidate| {
            let distance = strsim::osa_distance(&lower, &candidate.to_ascii_lowercase());
            (distance, *candidate)
        })
        .min();
    match nearest {
        Some((distance, candidate)) if distance <= 1 + name.len() / 4 => {
            format!("; did you mean `{candidate}`?")
        }
        _ if (1..=12).contains(&known.len()) => format!("; known are {}", known.join(", ")),
        _ => String::new(),
    }
}
