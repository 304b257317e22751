//! The result as a picture: a bar for each contestant in each case, an SVG without anything else.

use std::fmt::Write;

use serde_json::Value;

/// A bar and what stands beside it.
struct Bar {
    group: String,
    label: String,
    value: f64,
    /// Whether it is the yardstick's.
    plain: bool,
}

/// The width of the names, of the longest bar, and of the numbers behind it, in pixels.
const WIDTHS: (f64, f64, f64) = (330.0, 420.0, 110.0);
/// The height of a bar, and of the space above a group.
const HEIGHTS: (f64, f64) = (16.0, 12.0);

/// Draws the medians; each group of bars is as long as its own longest.
pub(crate) fn svg(result: &Value) -> String {
    let bars = bars(result);
    let (names, longest, numbers) = WIDTHS;
    let (bar_height, space) = HEIGHTS;
    let mut body = String::new();
    let mut y = 40.0;
    let mut last = "";
    for bar in &bars {
        let mut heading = "";
        if bar.group != last {
            y += space;
            heading = &bar.group;
            last = &bar.group;
        }
        let of_group = bars.iter().filter(|other| other.group == bar.group);
        let most = of_group.map(|other| other.value).fold(0.0, f64::max);
        let length = if most > 0.0 {
            bar.value / most * longest
        } else {
            0.0
        };
        let color = if bar.plain { "#9a9996" } else { "#3584e4" };
        let text = y + bar_height - 4.0;
        let start = names - 8.0;
        let end = names + length + 6.0;
        let height = bar_height - 3.0;
        // A string takes any text.
        let _ = writeln!(
            body,
            "<text x=\"8\" y=\"{text}\" font-weight=\"bold\">{}</text>\
             <text x=\"{start}\" y=\"{text}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{names}\" y=\"{y}\" width=\"{length:.1}\" height=\"{height}\" fill=\"{color}\"/>\
             <text x=\"{end:.1}\" y=\"{text}\">{}</text>",
            escaped(heading),
            escaped(&bar.label),
            shown(bar.value),
        );
        y += bar_height;
    }
    let (width, height) = (names + longest + numbers, y + 16.0);
    let title = result["benchmark"].as_str().unwrap_or_default();
    let kernel = result["machine"]["kernel"].as_str().unwrap_or_default();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"8\" y=\"24\" font-size=\"16\">{}: medians, Linux {}</text>\n{body}</svg>\n",
        escaped(title),
        escaped(kernel),
    )
}

/// Of either form of a result.
fn bars(result: &Value) -> Vec<Bar> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let series = result["series"].as_array().into_iter().flatten();
    let series = series.map(|row| Bar {
        group: format!("{}: {}", text(&row["case"]), text(&row["metric"])),
        label: text(&row["label"]),
        value: row["median"].as_f64().unwrap_or(0.0),
        plain: row["label"] == result["yardstick"],
    });
    let times = result["results"].as_array().into_iter().flatten();
    let times = times.map(|row| Bar {
        group: "milliseconds".into(),
        label: text(&row["label"]),
        value: row["median_ms"].as_f64().unwrap_or(0.0),
        plain: row["label"] == result["yardstick"],
    });
    series.chain(times).collect()
}

fn shown(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_contestant_has_a_bar_as_long_as_its_value() {
        let row = |label: &str, median: f64| json!({ "case": "up", "metric": "s < 1", "label": label, "median": median });
        let rows = [row("original", 4.0), row("ours", 1.0)];
        let picture = svg(&json!({ "yardstick": "original", "series": rows }));
        assert!(picture.contains("width=\"420.0\""), "{picture}");
        assert!(picture.contains("width=\"105.0\""), "{picture}");
        assert!(picture.contains("s &lt; 1"), "{picture}");
    }
}
