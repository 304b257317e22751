//! The check for leaks: verdict first, proof below. Rows turn as soon as their checks are made.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::leak_row::LeakRow;
use crate::application::Application;
use crate::i18n::gettext;
use crate::model::Vpn;
use crate::model::leaks::{Leaks, Place, Row, Verdict};

mod imp {
    use std::cell::{Cell, OnceCell, RefCell};

    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::{CompositeTemplate, glib};

    use super::{LeakRow, Place};
    use crate::model::Vpn;
    use crate::widgets::badge::Badge;
    use crate::widgets::narrow::{NARROW, measure, place, settle};
    use crate::widgets::ticker::Ticker;

    /// The fields of [`super::LeakPage`].
    #[derive(Default, CompositeTemplate)]
    #[template(file = "leak_page.ui")]
    pub struct LeakPage {
        #[template_child]
        pub column: TemplateChild<gtk::Box>,
        #[template_child]
        pub groups: TemplateChild<gtk::Box>,
        #[template_child]
        pub badge: TemplateChild<Badge>,
        #[template_child]
        pub title: TemplateChild<gtk::Label>,
        #[template_child]
        pub line: TemplateChild<gtk::Label>,
        #[template_child]
        pub again: TemplateChild<gtk::Button>,
        pub vpn: OnceCell<Vpn>,
        pub narrow: Cell<bool>,
        pub handler: RefCell<Option<glib::SignalHandlerId>>,
        pub ticker: RefCell<Ticker>,
        /// The rows as they stand, and the groups that they stand in.
        pub rows: RefCell<Vec<(Place, LeakRow)>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for LeakPage {
        const NAME: &'static str = "VpnnsLeakPage";
        type Type = super::LeakPage;
        type ParentType = adw::Bin;

        fn class_init(klass: &mut Self::Class) {
            Badge::ensure_type();
            klass.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for LeakPage {
        fn constructed(&self) {
            self.parent_constructed();
            self.obj().set_layout_manager(None::<gtk::LayoutManager>);
            let weak = self.obj().downgrade();
            self.again.connect_clicked(move |_| {
                if let Some(this) = weak.upgrade() {
                    this.check();
                }
            });
        }

        fn dispose(&self) {
            if let (Some(vpn), Some(handler)) = (self.vpn.get(), self.handler.take()) {
                vpn.disconnect(handler);
            }
        }
    }

    impl WidgetImpl for LeakPage {
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

    impl BinImpl for LeakPage {}
}

glib::wrapper! {
    /// The check for leaks of a VPN.
    pub struct LeakPage(ObjectSubclass<imp::LeakPage>)
        @extends gtk::Widget, adw::Bin,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget;
}

impl LeakPage {
    /// A page that follows its VPN; it checks at once unless it was checked in this connection.
    pub fn new(vpn: &Vpn) -> Self {
        let this: Self = glib::Object::new();
        let _ = this.imp().vpn.set(vpn.clone());
        let weak = this.downgrade();
        let handler = vpn.connect_changed(move |_| {
            if let Some(this) = weak.upgrade() {
                this.update();
            }
        });
        this.imp().handler.replace(Some(handler));
        let is_known = matches!(
            vpn.leaks().verdict,
            Verdict::Good | Verdict::Bad | Verdict::Running
        );
        if !is_known {
            this.check();
        }
        let narrow = super::narrow::expected();
        this.imp().narrow.set(narrow);
        this.set_narrow(narrow);
        this.update();
        this
    }

    fn set_narrow(&self, narrow: bool) {
        let side = if narrow { 12 } else { 24 };
        self.imp().column.set_margin_start(side);
        self.imp().column.set_margin_end(side);
    }

    fn vpn(&self) -> &Vpn {
        self.imp().vpn.get().expect("new() sets the VPN")
    }

    fn check(&self) {
        let vpn = self.vpn().clone();
        glib::spawn_future_local(async move {
            Application::current().session().check(&vpn).await;
        });
    }

    fn update(&self) {
        let imp = self.imp();
        let shown = self.vpn().leaks();
        let runs = shown.verdict == Verdict::Running;
        let icon = (!runs).then(|| shown.verdict.icon());
        imp.badge.show(icon, shown.verdict.class());
        imp.title.set_label(&shown.title);
        imp.line.set_label(&shown.line);
        imp.again.set_sensitive(!runs);
        imp.again.set_label(&match shown.verdict {
            Verdict::None => gettext("Check Now"),
            _ => gettext("Check Again"),
        });
        self.show_rows(&shown);
        let weak = self.downgrade();
        let ticks = (!runs && self.is_mapped()).then_some(60);
        imp.ticker.borrow_mut().set(ticks, move || {
            if let Some(this) = weak.upgrade() {
                this.update();
            }
        });
    }

    fn show_rows(&self, shown: &Leaks) {
        let imp = self.imp();
        let runs = shown.verdict == Verdict::Running;
        // While it runs, everything stays where it is planned; what leaks moves up at the end.
        let place = |row: &Row| {
            if runs {
                let planned = Row {
                    mark: crate::model::leaks::Mark::Waiting,
                    ..row.clone()
                };
                planned.place()
            } else {
                row.place()
            }
        };
        let mut rows: Vec<(Place, &Row)> = shown.rows.iter().map(|it| (place(it), it)).collect();
        rows.sort_by_key(|(place, _)| *place);
        let is_same = {
            let now = imp.rows.borrow();
            now.len() == rows.len()
                && now.iter().zip(&rows).all(|((old, row), (new, check))| {
                    old == new
                        && row.id() == check.id
                        && (runs || row.remedy.is_some() == check.remedy.is_some())
                })
        };
        if is_same {
            for ((_, row), (_, check)) in imp.rows.borrow_mut().iter_mut().zip(&rows) {
                row.update(check);
            }
            return;
        }
        while let Some(child) = imp.groups.first_child() {
            imp.groups.remove(&child);
        }
        let mut made = Vec::new();
        for wanted in Place::ALL {
            let of_group = rows.iter().filter(|(place, _)| *place == wanted);
            let group = adw::PreferencesGroup::builder()
                .title(wanted.title())
                .build();
            for (place, check) in of_group {
                let check = (*check).clone();
                let remedy = check.remedy.clone().filter(|_| !runs);
                let row = LeakRow::new(&Row { remedy, ..check });
                group.add(&row.row);
                if let Some(remedy) = &row.remedy {
                    group.add(remedy);
                }
                made.push((*place, row));
            }
            if made.last().is_some_and(|(place, _)| *place == wanted) {
                imp.groups.append(&group);
            }
        }
        imp.rows.replace(made);
    }
}
