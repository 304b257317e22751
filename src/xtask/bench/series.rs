//! Values of many kinds, round by round: what `relay`, `chain` and `scale` measure.

use std::fmt::Write;

use serde_json::{Value, json};

use super::report::machine;
use super::statistics::{median, median_of_ratios, quantile};
use crate::failure::{Failure, Result};

/// Which way a value is to go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    /// Smaller is better.
    Less,
    /// Larger is better.
    More,
}

/// The values measured so far.
pub(crate) struct Series {
    benchmark: &'static str,
    yardstick: &'static str,
    rows: Vec<Row>,
}

struct Row {
    case: String,
    metric: String,
    better: Better,
    label: String,
    values: Vec<f64>,
}

impl Series {
    /// No values yet; ratios will be to those with the label `yardstick`.
    pub(crate) fn new(benchmark: &'static str, yardstick: &'static str) -> Self {
        Self {
            benchmark,
            yardstick,
            rows: Vec::new(),
        }
    }

    /// Adds one value.
    pub(crate) fn add(
        &mut self,
        case: &str,
        metric: &str,
        better: Better,
        label: &str,
        value: f64,
    ) {
        let row = self
            .rows
            .iter_mut()
            .find(|row| row.case == case && row.metric == metric && row.label == label);
        match row {
            Some(row) => row.values.push(value),
            None => self.rows.push(Row {
                case: case.into(),
                metric: metric.into(),
                better,
                label: label.into(),
                values: vec![value],
            }),
        }
    }

    /// Everything, as the worker hands it over.
    pub(crate) fn to_json(&self, seed: u64) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({
                "case": row.case,
                "metric": row.metric,
                "better": if row.better == Better::Less { "less" } else { "more" },
                "label": row.label,
                "values": row.values,
            })
        });
        json!({
            "version": 1,
            "benchmark": self.benchmark,
            "yardstick": self.yardstick,
            "seed": seed,
            "user": std::env::var("USER").unwrap_or_default(),
            "series": rows.collect::<Vec<_>>(),
        })
    }
}

/// Adds to the measurement what follows from it, and the machine.
pub(crate) fn complete(measurement: &Value) -> Result<Value> {
    let mut result = measurement.clone();
    let unreadable = || Failure::new("the worker's measurement has an unknown form");
    let before = measurement["series"].as_array().ok_or_else(unreadable)?;
    for row in result["series"].as_array_mut().ok_or_else(unreadable)? {
        let own = values(row).ok_or_else(unreadable)?;
        let yardstick = before
            .iter()
            .find(|other| {
                other["label"] == measurement["yardstick"]
                    && other["case"] == row["case"]
                    && other["metric"] == row["metric"]
            })
            .and_then(values);
        row["median"] = json!(median(&own));
        row["p10"] = json!(quantile(&own, 0.1));
        row["p90"] = json!(quantile(&own, 0.9));
        // A ratio to nothing lost, or to nobody, says nothing.
        if let Some(yardstick) = yardstick.filter(|all| all.iter().all(|value| *value > 0.0)) {
            let some = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
            row["ratio_of_medians"] = json!(median(&own) / median(&yardstick));
            row["median_of_ratios"] = json!(median_of_ratios(&some(&own), &some(&yardstick)));
        }
    }
    result["machine"] = machine();
    Ok(result)
}

fn values(row: &Value) -> Option<Vec<f64>> {
    let values: Vec<f64> = row["values"]
        .as_array()?
        .iter()
        .filter_map(Value::as_f64)
        .collect();
    (!values.is_empty()).then_some(values)
}

/// The table, with a heading that says how it came about.
pub(crate) fn table(result: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let machine = &result["machine"];
    let mut table = String::new();
    let mut line = |line: String| writeln!(table, "{line}").expect("a string takes any text");
    line(format!(
        "{}: seed {}, user {}",
        text(&result["benchmark"]),
        result["seed"],
        text(&result["user"]),
    ));
    line(format!(
        "Linux {}, {} cores, {}, load {}\n",
        text(&machine["kernel"]),
        machine["cores"],
        text(&machine["processor"]),
        text(&machine["load"]),
    ));
    line(format!(
        "{:<30}{:<18}{:<14}{:>6}{:>11}{:>11}{:>11}{:>9}{:>9}",
        "", "", "", "rounds", "median", "p10", "p90", "medians", "by round"
    ));
    let mut last = Value::Null;
    for row in result["series"].as_array().into_iter().flatten() {
        let number = |key: &str, digits: usize| match row[key].as_f64() {
            Some(value) => format!("{value:.digits$}"),
            None => "-".into(),
        };
        let case = if row["case"] == last {
            String::new()
        } else {
            text(&row["case"])
        };
        last = row["case"].clone();
        line(format!(
            "{case:<30}{:<18}{:<14}{:>6}{:>11}{:>11}{:>11}{:>9}{:>9}",
            text(&row["metric"]),
            text(&row["label"]),
            row["values"].as_array().map_or(0, Vec::len),
            number("median", 3),
            number("p10", 3),
            number("p90", 3),
            number("ratio_of_medians", 2),
            number("median_of_ratios", 2),
        ));
    }
    line(format!(
        "\nThe last two columns are ratios to {}.",
        text(&result["yardstick"])
    ));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_compared_with_the_yardstick_of_its_own_case() {
        let mut series = Series::new("relay", "original");
        for (case, theirs, ours) in [("up", 2.0, 1.0), ("down", 4.0, 1.0)] {
            series.add(case, "CPU s/GB", Better::Less, "original", theirs);
            series.add(case, "CPU s/GB", Better::Less, "ours", ours);
        }
        series.add("up", "lost, %", Better::Less, "original", 0.0);
        series.add("up", "lost, %", Better::Less, "ours", 0.0);
        let result = complete(&series.to_json(1)).unwrap();
        let ratio = |index: usize| result["series"][index]["ratio_of_medians"].as_f64();
        assert_eq!(
            (ratio(1), ratio(3), ratio(5)),
            (Some(0.5), Some(0.25), None)
        );
        assert!(table(&result).contains("up  "));
    }

    #[test]
    fn a_measurement_without_values_is_refused() {
        let empty = json!({ "yardstick": "x", "series": [{ "label": "x", "values": [] }] });
        assert!(complete(&empty).is_err());
    }
}
