//! Title and second line of the hero, which cross-fade when the title changes.

use adw::subclass::prelude::*;
use gtk::{glib, prelude::*};

mod imp {
    use adw::subclass::prelude::*;
    use gtk::{CompositeTemplate, glib};

    /// The fields of [`super::HeroText`].
    #[derive(Default, CompositeTemplate)]
    #[template(file = "text.ui")]
    pub struct HeroText {
        #[template_child]
        pub stack: TemplateChild<gtk::Stack>,
        #[template_child]
        pub first_title: TemplateChild<gtk::Label>,
        #[template_child]
        pub first_subtitle: TemplateChild<gtk::Label>,
        #[template_child]
        pub second_title: TemplateChild<gtk::Label>,
        #[template_child]
        pub second_subtitle: TemplateChild<gtk::Label>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for HeroText {
        const NAME: &'static str = "VpnnsHeroText";
        type Type = super::HeroText;
        type ParentType = adw::Bin;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for HeroText {
        fn constructed(&self) {
            self.parent_constructed();
            let weak = self.obj().downgrade();
            // A screen reader must not find the words of before.
            self.stack.connect_transition_running_notify(move |stack| {
                if !stack.is_transition_running()
                    && let Some(this) = weak.upgrade()
                {
                    this.clear_hidden();
                }
            });
        }
    }

    impl WidgetImpl for HeroText {}
    impl BinImpl for HeroText {}
}

glib::wrapper! {
    /// Two lines of text.
    pub struct HeroText(ObjectSubclass<imp::HeroText>)
        @extends gtk::Widget, adw::Bin,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl HeroText {
    /// Shows other words.
    pub fn show(&self, title: &str, subtitle: &str) {
        let imp = self.imp();
        let [(now, _), (other, _)] = self.pairs();
        // What only ticks changes in place.
        let in_place = now.label() == title || now.label().is_empty();
        let fades = !in_place && self.is_mapped();
        let [shown, hidden] = self.pairs();
        let (to_title, to_subtitle) = if fades { hidden } else { shown };
        to_title.set_label(title);
        to_subtitle.set_label(subtitle);
        to_subtitle.set_visible(!subtitle.is_empty());
        if fades && let Some(page) = other.parent() {
            imp.stack.set_visible_child(&page);
            if !imp.stack.is_transition_running() {
                self.clear_hidden();
            }
        }
    }

    /// Larger or smaller.
    pub fn set_narrow(&self, narrow: bool) {
        let (add, remove) = if narrow {
            ("title-2", "title-1")
        } else {
            ("title-1", "title-2")
        };
        for (title, _) in self.pairs() {
            title.remove_css_class(remove);
            title.add_css_class(add);
        }
    }

    /// The labels that are seen, and those that are not.
    fn pairs(&self) -> [(gtk::Label, gtk::Label); 2] {
        let imp = self.imp();
        let first = (imp.first_title.get(), imp.first_subtitle.get());
        let second = (imp.second_title.get(), imp.second_subtitle.get());
        if imp.stack.visible_child_name().as_deref() == Some("second") {
            [second, first]
        } else {
            [first, second]
        }
    }

    fn clear_hidden(&self) {
        let [_, (title, subtitle)] = self.pairs();
        title.set_label("");
        subtitle.set_label("");
        subtitle.set_visible(false);
    }
}
