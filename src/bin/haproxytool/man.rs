use std::io;

use clap::CommandFactory as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::action::{OBJECTS, Object};
use crate::cli::Cli;

/// Returns the manual page: the sections of clap, and a section for each object.
pub(crate) fn page() -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let man = Man::new(Cli::command()).manual("HAProxy");
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    for object in OBJECTS {
        section(object).to_writer(&mut page)?;
    }
    man.render_extra_section(&mut page)?;
    man.render_version_section(&mut page)?;
    Ok(page)
}

fn section(object: &Object) -> Roff {
    let mut section = Roff::new();
    section.control("SH", [object.name.to_uppercase().as_str()]);
    section.text([roman(object.doc)]);
    for action in object.actions {
        section.control("TP", []);
        section.text([bold(action.words()), roman(" "), roman(action.syntax())]);
        section.text([roman(action.doc)]);
        for option in action.options {
            section.control("RS", []);
            section.control("TP", []);
            section.text([bold(option.words())]);
            section.text([roman(option.doc)]);
            section.control("RE", []);
        }
    }
    section
}
