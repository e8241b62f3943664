use haproxyadmin::Outcomes;
use haproxyadmin::certificate::{Crl, CrlFileDetails, ListedCrlFile};

use crate::Views;
use crate::call::Call;
use crate::cert::{changed, pem, pending};
use crate::problem::Problem;
use crate::report::Report;

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    let Some(name) = call.argument() else { return list(views).await };
    let (read, write) = (views.read.crl_file(name)?, views.write.crl_file(name)?);
    match call.action {
        "show" => Ok(show(&read.show().await?)),
        // Strict, unless --allow-partial is given: if one process fails, no process is changed.
        "set" => changed(read.replace(&pem(call)?).await),
        _ => Ok(Report::changes(vec![write.delete().await?])),
    }
}

async fn list(views: &Views) -> Result<Report, Problem> {
    let lists = views.read.crl_files().await?;
    Ok(Report::of_each(["PENDING", "NAME"], &lists, |files| {
        let row = |file: &ListedCrlFile| [pending(file.is_pending), file.name.to_string()];
        files.iter().map(row).collect()
    }))
}

fn show(shown: &Outcomes<CrlFileDetails>) -> Report {
    Report::of_each(["STATUS", "ISSUED", "NEXT", "REVOKED", "ISSUER"], shown, |details| {
        let status = details.status.as_str();
        if details.lists.is_empty() {
            return vec![[status, "-", "-", "-", "-"].map(String::from)];
        }
        // HAProxy leaves out what does not fit into its buffer.
        let more = if details.may_be_cut { "+" } else { "" };
        let row = |one: &Crl| {
            let revoked = format!("{}{more}", one.revoked.len());
            let next = &one.next_update_text;
            [status, &one.last_update_text, next, &revoked, &one.issuer].map(String::from)
        };
        details.lists.iter().map(row).collect()
    })
}
