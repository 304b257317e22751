//! What a row of times comes down to.

/// The value below which the given share (0 to 1) of the values lies, interpolated.
///
/// # Panics
///
/// When there is no value.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    assert!(!values.is_empty(), "nothing was measured");
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        reason = "there are far fewer than 2^52 rounds"
    )]
    let place = share * (sorted.len() - 1) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it lies between 0 and the length"
    )]
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * place.fract()
}

/// The value in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The ratio of each round's value to the yardstick's in the same round, and of those the median.
///
/// A slow moment of the machine touches both, so this moves less than the ratio of the medians.
pub(crate) fn median_of_ratios(values: &[Option<f64>], yardstick: &[Option<f64>]) -> f64 {
    let ratios = values
        .iter()
        .zip(yardstick)
        .filter_map(|(a, b)| Some((*a)? / (*b)?));
    median(&ratios.collect::<Vec<f64>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn quantiles_are_interpolated_between_neighbours() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert!(near(median(&values), 2.5));
        assert!(near(quantile(&values, 0.0), 1.0));
        assert!(near(quantile(&values, 0.1), 1.3));
        assert!(near(quantile(&values, 1.0), 4.0));
        assert!(near(median(&[7.0]), 7.0));
    }

    #[test]
    fn a_slow_round_moves_no_ratio() {
        let yardstick = [1.0, 1.0, 50.0, 1.0].map(Some);
        let values = [Some(2.0), Some(2.0), Some(100.0), None];
        assert!(near(median_of_ratios(&values, &yardstick), 2.0));
    }
}
