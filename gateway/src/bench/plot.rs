//! Curves as SVG: latency by percentile, the tail stretched, and figures against a size.

use std::path::Path;

use anyhow::anyhow;
use hdrhistogram::Histogram;
use plotters::prelude::{
    BLACK, BindKeyPoints, ChartBuilder, Color, IntoDrawingArea, IntoLogRange, LineSeries, Palette,
    Palette99, PathElement, SVGBackend, SeriesLabelPosition, WHITE,
};

use super::report::Curve;

const SIZE: (u32, u32) = (960, 540);
const FONT: &str = "sans-serif";

/// Points of a percentile curve: (1 / (1 − quantile), microseconds), no further than the samples carry.
fn points(latency: &Histogram<u64>) -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    for value in latency.iter_quantiles(10) {
        let beyond = 1.0 - value.quantile_iterated_to();
        // Ten samples beyond, or the point would be one single message.
        if beyond * latency.len() as f64 <= 10.0 {
            break;
        }
        points.push((1.0 / beyond, value.value_iterated_to() as f64 / 1e3));
    }
    points
}

/// One curve a side, both axes logarithmic: 1 / (1 − percentile) across, so that each nine has as much
/// room as the one before.
///
/// # Errors
/// What the system says.
pub fn percentiles(path: &Path, title: &str, curves: &[Curve]) -> anyhow::Result<()> {
    let series: Vec<(String, Vec<(f64, f64)>)> = curves
        .iter()
        .map(|curve| (curve.name.clone(), points(&curve.latency)))
        .collect();
    let label = |x: &f64| format!("{}", (1.0 - 1.0 / x) * 100.0);
    draw(
        path,
        title,
        ("percentile", &label),
        "microseconds",
        &[2.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6],
        &series,
    )
}

/// Figures against a size, both axes logarithmic.
///
/// # Errors
/// What the system says.
pub fn by_size(
    path: &Path,
    title: &str,
    across: &str,
    up: &str,
    series: &[(String, Vec<(f64, f64)>)],
) -> anyhow::Result<()> {
    let label = |x: &f64| match *x {
        x if x >= 1e6 => format!("{} M", x / 1e6),
        x if x >= 1e3 => format!("{} k", x / 1e3),
        x => x.to_string(),
    };
    draw(path, title, (across, &label), up, &[], series)
}

fn draw(
    path: &Path,
    title: &str,
    (across, label): (&str, &dyn Fn(&f64) -> String),
    up: &str,
    ticks: &[f64],
    series: &[(String, Vec<(f64, f64)>)],
) -> anyhow::Result<()> {
    let all = || series.iter().flat_map(|(_, points)| points);
    let bounds = |of: fn(&(f64, f64)) -> f64| {
        all().map(of).fold((f64::MAX, f64::MIN), |(low, high), x| {
            (low.min(x), high.max(x))
        })
    };
    if all().next().is_none() {
        return Ok(());
    }
    let (left, right) = bounds(|p| p.0);
    let (low, high) = bounds(|p| p.1);
    let failed = |error: &dyn std::fmt::Display| anyhow!("{}: {error}", path.display());
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE).map_err(|e| failed(&e))?;
    let x = (left.max(1e-3)..right * 1.05).log_scale();
    let y = (low.max(1e-3) * 0.8..high * 1.2).log_scale();
    let x = match ticks {
        [] => x.with_key_points(Vec::new()),
        ticks => x.with_key_points(ticks.to_vec()),
    };
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .caption(title, (FONT, 18))
        .x_label_area_size(40)
        .y_label_area_size(70)
        .build_cartesian_2d(x, y)
        .map_err(|e| failed(&e))?;
    chart
        .configure_mesh()
        .x_desc(across)
        .y_desc(up)
        .x_label_formatter(label)
        .draw()
        .map_err(|e| failed(&e))?;
    for (index, (name, points)) in series.iter().enumerate() {
        let style = Palette99::pick(index).stroke_width(2);
        chart
            .draw_series(LineSeries::new(points.iter().copied(), style))
            .map_err(|e| failed(&e))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()
        .map_err(|e| failed(&e))?;
    area.present().map_err(|e| failed(&e))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::figures::histogram;

    #[test]
    fn a_plot_holds_every_curve_and_no_point_that_samples_do_not_carry() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("plot.svg");
        let mut latency = histogram();
        for ns in 1..=100_000 {
            latency.saturating_record(ns);
        }
        let last = points(&latency).last().copied().unwrap();
        assert!(last.0 > 100.0 && last.0 < 10_000.0, "{last:?}");
        let curves = ["server", "echo"].map(|name| Curve {
            name: name.to_owned(),
            latency: latency.clone(),
        });
        percentiles(&path, "a title", &curves).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        for text in ["a title", "server", "echo", "99.9"] {
            assert!(svg.contains(text), "{text}");
        }
    }
}
