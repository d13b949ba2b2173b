//! However the cloud lists things, nothing seems to have changed.

use localstack::control::Settings;

use super::checkout::Checkout;

const READS: u32 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn order_pages_and_delays_are_no_drift() {
    let here = Checkout::local("700000000017", "700000000018").await;
    let account = here.account("dev");
    let settings = |page_size: u32, late_reads: u32| Settings {
        page_size: usize::try_from(page_size).ok(),
        shuffle: Some(page_size.into()),
        late_reads,
        ..Checkout::settings()
    };
    here.cloud().set_account_settings(account, settings(5, 2));
    here.run("apply dev --auto-approve").ends(0);
    let mut dice: u32 = 7;
    for read in 0..READS {
        // Numerical Recipes' generator: any will do.
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let page_size = 5 + (dice >> 16) % 60;
        here.cloud().set_account_settings(account, settings(page_size, 0));
        let (command, nothing) = match read % 2 {
            0 => ("plan dev --detailed-exitcode", "No changes: "),
            _ => ("drift dev", "No drift: "),
        };
        let said = here.run(command);
        assert!(said.code == 0 && said.out.starts_with(nothing), "pages of {page_size}: {}{}", said.out, said.err);
    }
    here.run("destroy dev --auto-approve").ends(0);
}
