//! The curves themselves.

use adw::subclass::prelude::*;
use gtk::{cairo, gdk, glib, graphene, prelude::*};

use crate::model::traffic::{Point, SECONDS, Traffic};

mod imp {
    use std::cell::RefCell;

    use adw::subclass::prelude::*;
    use gtk::glib;

    use crate::model::traffic::Traffic;

    /// The fields of [`super::PlotArea`].
    #[derive(Default)]
    pub struct PlotArea {
        pub traffic: RefCell<Traffic>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for PlotArea {
        const NAME: &'static str = "VpnnsPlotArea";
        type Type = super::PlotArea;
        type ParentType = gtk::Widget;

        fn class_init(klass: &mut Self::Class) {
            klass.set_accessible_role(gtk::AccessibleRole::Img);
        }
    }

    impl ObjectImpl for PlotArea {}

    impl WidgetImpl for PlotArea {
        fn snapshot(&self, snapshot: &gtk::Snapshot) {
            let widget = self.obj();
            // Cairo fails only where memory does; then the plot stays empty.
            let _ = super::draw(&widget, &self.traffic.borrow(), snapshot);
        }
    }
}

glib::wrapper! {
    /// The curves of a minute.
    pub struct PlotArea(ObjectSubclass<imp::PlotArea>)
        @extends gtk::Widget,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl PlotArea {
    /// Draws this from now on.
    pub fn set_traffic(&self, traffic: Traffic) {
        self.imp().traffic.replace(traffic);
        self.queue_draw();
    }
}

/// A named colour of the theme; the text's where the theme has none of that name.
pub(super) fn themed(widget: &impl IsA<gtk::Widget>, name: &str, alpha: f32) -> gdk::RGBA {
    let context = widget.style_context();
    let colour = context
        .lookup_color(name)
        .unwrap_or_else(|| context.color());
    colour.with_alpha(colour.alpha() * alpha)
}

/// The colour of text, fainter.
pub(super) fn faint(widget: &impl IsA<gtk::Widget>, alpha: f32) -> gdk::RGBA {
    let colour = widget.style_context().color();
    colour.with_alpha(colour.alpha() * alpha)
}

/// How the points lie in the area.
struct Scale {
    width: f64,
    height: f64,
    top: f64,
    points: usize,
}

impl Scale {
    /// The last point is now, at the end; each one before a second earlier.
    #[allow(clippy::cast_precision_loss)] // Sixty at most.
    fn x(&self, index: usize) -> f64 {
        let ago = (self.points - 1).saturating_sub(index) as f64;
        self.width - ago * self.width / (SECONDS - 1) as f64
    }

    /// The lines at top and bottom are whole within the area.
    fn y(&self, rate: f64) -> f64 {
        self.height - 1.0 - (rate / self.top).min(1.0) * (self.height - 2.0)
    }
}

fn draw(area: &PlotArea, traffic: &Traffic, snapshot: &gtk::Snapshot) -> Result<(), cairo::Error> {
    #[allow(clippy::cast_precision_loss)] // The width of a screen.
    let (wide, high) = (area.width() as f32, area.height() as f32);
    let context = snapshot.append_cairo(&graphene::Rect::new(0.0, 0.0, wide, high));
    let (width, height) = (f64::from(wide), f64::from(high));
    if area.direction() == gtk::TextDirection::Rtl {
        context.translate(width, 0.0);
        context.scale(-1.0, 1.0);
    }
    let points: Vec<Point> = traffic.points().collect();
    let scale = Scale {
        width,
        height,
        top: traffic.top(),
        points: points.len(),
    };
    tint_silence(area, &context, &scale, &points)?;
    context.set_source_color(&faint(area, 0.1));
    context.set_line_width(1.0);
    for y in [0.5, (height / 2.0).floor() + 0.5, height - 0.5] {
        context.move_to(0.0, y);
        context.line_to(width, y);
    }
    context.stroke()?;
    for run in runs(&points) {
        curve(&context, &scale, &run, |(down, _)| down);
        let (first, last) = (run[0].0, run[run.len() - 1].0);
        context.line_to(scale.x(last), height - 1.0);
        context.line_to(scale.x(first), height - 1.0);
        context.close_path();
        context.set_source_color(&themed(area, "accent_color", 0.16));
        context.fill()?;
        curve(&context, &scale, &run, |(_, up)| up);
        dots(&context, &faint(area, 0.55))?;
        curve(&context, &scale, &run, |(down, _)| down);
        line(&context, &themed(area, "accent_color", 1.0))?;
    }
    Ok(())
}

/// Draws the path as what comes in is drawn.
pub(super) fn line(context: &cairo::Context, colour: &gdk::RGBA) -> Result<(), cairo::Error> {
    context.set_source_color(colour);
    context.set_line_width(2.0);
    context.set_line_cap(cairo::LineCap::Butt);
    context.set_line_join(cairo::LineJoin::Round);
    context.set_dash(&[], 0.0);
    context.stroke()
}

/// Draws the path as what goes out is drawn: told apart without colour.
pub(super) fn dots(context: &cairo::Context, colour: &gdk::RGBA) -> Result<(), cairo::Error> {
    context.set_source_color(colour);
    context.set_line_width(2.0);
    context.set_line_cap(cairo::LineCap::Round);
    context.set_line_join(cairo::LineJoin::Round);
    context.set_dash(&[0.1, 4.0], 0.0);
    context.stroke()?;
    context.set_dash(&[], 0.0);
    Ok(())
}

/// The seconds with a tunnel, each span for itself, with their indexes and rates. A span that is
/// followed by silence falls to nothing.
fn runs(points: &[Point]) -> Vec<Vec<(usize, (f64, f64))>> {
    let mut runs: Vec<Vec<(usize, (f64, f64))>> = Vec::new();
    let mut is_open = false;
    for (index, point) in points.iter().enumerate() {
        match (*point, runs.last_mut()) {
            (Point::Rate { down, up }, Some(run)) if is_open => run.push((index, (down, up))),
            (Point::Rate { down, up }, _) => {
                is_open = true;
                runs.push(vec![(index, (down, up))]);
            }
            (Point::Silent, Some(run)) if is_open => {
                run.push((index, (0.0, 0.0)));
                is_open = false;
            }
            (Point::Silent, _) => {}
        }
    }
    runs
}

/// A path through the points, smooth, and never beyond them.
fn curve(
    context: &cairo::Context,
    scale: &Scale,
    run: &[(usize, (f64, f64))],
    which: impl Fn((f64, f64)) -> f64,
) {
    context.new_path();
    let mut before: Option<(f64, f64)> = None;
    for (index, rates) in run {
        let (x, y) = (scale.x(*index), scale.y(which(*rates)));
        match before {
            None => context.move_to(x, y),
            Some((then, was)) => {
                let middle = f64::midpoint(then, x);
                context.curve_to(middle, was, middle, y, x, y);
            }
        }
        before = Some((x, y));
    }
}

fn tint_silence(
    area: &PlotArea,
    context: &cairo::Context,
    scale: &Scale,
    points: &[Point],
) -> Result<(), cairo::Error> {
    context.set_source_color(&themed(area, "warning_color", 0.12));
    let mut from = None;
    for (index, point) in points.iter().enumerate() {
        match (point, from) {
            (Point::Silent, None) => from = Some(scale.x(index)),
            (Point::Rate { .. }, Some(start)) => {
                context.rectangle(start, 0.0, scale.x(index) - start, scale.height);
                from = None;
            }
            _ => {}
        }
    }
    if let Some(start) = from {
        context.rectangle(start, 0.0, scale.width - start, scale.height);
    }
    context.fill()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_ends_a_curve_at_nothing_and_the_next_begins_anew() {
        let rate = |down| Point::Rate { down, up: 1.0 };
        let points = [
            rate(5.0),
            rate(6.0),
            Point::Silent,
            Point::Silent,
            rate(7.0),
        ];
        let found = runs(&points);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].last(), Some(&(2, (0.0, 0.0))));
        assert_eq!(found[1], [(4, (7.0, 1.0))]);
        assert!(runs(&[Point::Silent]).is_empty());
    }

    #[test]
    fn now_is_at_the_end_and_the_top_of_the_scale_is_inside() {
        let scale = Scale {
            width: 590.0,
            height: 80.0,
            top: 1000.0,
            points: 2,
        };
        assert!((scale.x(1) - 590.0).abs() < 0.01 && (scale.x(0) - 580.0).abs() < 0.01);
        assert!((scale.y(1000.0) - 1.0).abs() < 0.01 && (scale.y(9e9) - 1.0).abs() < 0.01);
        assert!((scale.y(0.0) - 79.0).abs() < 0.01);
    }
}
