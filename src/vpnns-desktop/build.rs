//! Embeds icons and style, so that the app runs from the tree as it does installed.

fn main() {
    glib_build_tools::compile_resources(
        &["../../data"],
        "../../data/resources.gresource.xml",
        "vpnns-desktop.gresource",
    );
    println!("cargo:rerun-if-changed=../../data");
}
