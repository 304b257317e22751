//! One VPN: its state, its traffic, the apps in it, and everything else one click away.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::Window;
use super::leak_page::LeakPage;
use super::reveal::reveal;
use crate::i18n::gettext;
use crate::model::leaks::{Leaks, Verdict};
use crate::model::presentation::Look;
use crate::model::{Vpn, time};

mod imp {
    use std::cell::{Cell, OnceCell, RefCell};

    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::{CompositeTemplate, glib};

    use crate::model::Vpn;
    use crate::widgets::app_group::AppGroup;
    use crate::widgets::details_row::DetailsRow;
    use crate::widgets::hero::Hero;
    use crate::widgets::narrow::{NARROW, measure, place, settle};
    use crate::widgets::plot::Plot;
    use crate::widgets::reveal::hide_when_shut;
    use crate::widgets::ticker::Ticker;

    /// The fields of [`super::VpnPage`].
    #[derive(Default, CompositeTemplate)]
    #[template(file = "vpn_page.ui")]
    pub struct VpnPage {
        #[template_child]
        pub column: TemplateChild<gtk::Box>,
        #[template_child]
        pub card: TemplateChild<gtk::Box>,
        #[template_child]
        pub hero: TemplateChild<Hero>,
        #[template_child]
        pub plot_revealer: TemplateChild<gtk::Revealer>,
        #[template_child]
        pub plot: TemplateChild<Plot>,
        #[template_child]
        pub apps: TemplateChild<AppGroup>,
        #[template_child]
        pub leaks: TemplateChild<adw::ActionRow>,
        #[template_child]
        pub leaks_stack: TemplateChild<gtk::Stack>,
        #[template_child]
        pub leaks_icon: TemplateChild<gtk::Image>,
        #[template_child]
        pub leaks_spinner: TemplateChild<gtk::Spinner>,
        #[template_child]
        pub details: TemplateChild<DetailsRow>,
        pub vpn: OnceCell<Vpn>,
        pub narrow: Cell<bool>,
        pub handlers: RefCell<Vec<glib::SignalHandlerId>>,
        pub ticker: RefCell<Ticker>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for VpnPage {
        const NAME: &'static str = "VpnnsVpnPage";
        type Type = super::VpnPage;
        type ParentType = adw::Bin;

        fn class_init(klass: &mut Self::Class) {
            Hero::ensure_type();
            Plot::ensure_type();
            AppGroup::ensure_type();
            DetailsRow::ensure_type();
            klass.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for VpnPage {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().set_layout_manager(None::<gtk::LayoutManager>);
            hide_when_shut(&self.plot_revealer);
            let weak = self.obj().downgrade();
            self.leaks.connect_activated(move |_| {
                if let Some(this) = weak.upgrade() {
                    this.show_leaks();
                }
            });
        }

        fn dispose(&self) {
            if let Some(vpn) = self.vpn.get() {
                for handler in self.handlers.take() {
                    vpn.disconnect(handler);
                }
            }
        }
    }

    impl WidgetImpl for VpnPage {
        fn map(&self) {
            self.parent_map();
            self.obj().update();
        }

        fn unmap(&self) {
            self.ticker.borrow_mut().stop();
            self.parent_unmap();
        }

        fn size_allocate(&self, width: i32, height: i32, baseline: i32) {
            let narrow = width < NARROW;
            if self.narrow.replace(narrow) != narrow {
                settle(&*self.obj(), |page| {
                    page.set_narrow(page.imp().narrow.get());
                });
            }
            place(self, width, height, baseline);
        }

        fn measure(&self, orientation: gtk::Orientation, for_size: i32) -> (i32, i32, i32, i32) {
            measure(self, orientation, for_size)
        }

        fn request_mode(&self) -> gtk::SizeRequestMode {
            gtk::SizeRequestMode::HeightForWidth
        }
    }

    impl BinImpl for VpnPage {}
}

glib::wrapper! {
    /// The page of one VPN.
    pub struct VpnPage(ObjectSubclass<imp::VpnPage>)
        @extends gtk::Widget, adw::Bin,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl VpnPage {
    /// A page that follows its VPN.
    pub fn new(vpn: &Vpn) -> Self {
        let this: Self = glib::Object::new();
        let _ = this.imp().vpn.set(vpn.clone());
        let weak = this.downgrade();
        let handler = vpn.connect_changed(move |_| {
            if let Some(this) = weak.upgrade() {
                this.update();
            }
        });
        this.imp().handlers.borrow_mut().push(handler);
        let weak = this.downgrade();
        let handler = vpn.connect_traffic(move |_| {
            if let Some(this) = weak.upgrade() {
                this.update_traffic();
            }
        });
        this.imp().handlers.borrow_mut().push(handler);
        this.imp().apps.set_vpn(vpn);
        let narrow = super::narrow::expected();
        this.imp().narrow.set(narrow);
        this.set_narrow(narrow);
        this.update();
        this
    }

    fn vpn(&self) -> &Vpn {
        self.imp().vpn.get().expect("new() sets the VPN")
    }

    /// Shows what is so now.
    fn update(&self) {
        let imp = self.imp();
        let vpn = self.vpn();
        let shown = vpn.presentation();
        imp.hero.show(vpn, &shown);
        let has_traffic = matches!(shown.look, Look::Connected | Look::Reconnecting);
        reveal(&imp.plot_revealer, has_traffic);
        imp.apps.show(&shown);
        let leaks = vpn.leaks();
        self.update_leaks(&leaks);
        imp.details.show(&vpn.facts(), time::now());
        self.update_traffic();
        let weak = self.downgrade();
        // "3 min ago" and the end of the session change with the clock as well.
        let has_times = !matches!(leaks.verdict, Verdict::None | Verdict::Running);
        let ticks = shown.ticks.or(has_times.then_some(60));
        imp.ticker
            .borrow_mut()
            .set(ticks.filter(|_| self.is_mapped()), move || {
                if let Some(this) = weak.upgrade() {
                    this.update();
                }
            });
    }

    /// What nobody sees is not drawn.
    fn update_traffic(&self) {
        let imp = self.imp();
        if self.is_mapped() && imp.plot_revealer.reveals_child() {
            imp.plot.show(&self.vpn().traffic());
        }
    }

    fn update_leaks(&self, leaks: &Leaks) {
        let imp = self.imp();
        imp.leaks.set_subtitle(&leaks.summary);
        let runs = leaks.verdict == Verdict::Running;
        imp.leaks_spinner.set_spinning(runs);
        let (icon, class) = match leaks.verdict {
            Verdict::Good => ("object-select-symbolic", "success"),
            Verdict::Bad => ("dialog-error-symbolic", "error"),
            Verdict::Unknown => ("dialog-warning-symbolic", "warning"),
            Verdict::None | Verdict::Past | Verdict::Running => {
                ("object-select-symbolic", "dim-label")
            }
        };
        imp.leaks_icon.set_icon_name(Some(icon));
        imp.leaks_icon.set_css_classes(&[class]);
        if runs {
            imp.leaks_stack.set_visible_child(&*imp.leaks_spinner);
        } else {
            imp.leaks_stack.set_visible_child(&*imp.leaks_icon);
        }
    }

    fn set_narrow(&self, narrow: bool) {
        let imp = self.imp();
        imp.hero.set_narrow(narrow);
        imp.apps.set_narrow(narrow);
        let (top, side) = if narrow { (6, 12) } else { (12, 24) };
        // Below there is as little: three apps are to fit a window of 680 pixels without scrolling.
        if imp.column.margin_start() != side {
            imp.column.set_margin_top(top);
            imp.column.set_margin_start(side);
            imp.column.set_margin_end(side);
        }
    }

    /// Shows the leak check.
    pub fn show_leaks(&self) {
        if let Some(window) = self.root().and_downcast::<Window>() {
            let vpn = self.vpn();
            let page = LeakPage::new(vpn);
            window.push(&page, &gettext("Check for Leaks"));
        }
    }
}
