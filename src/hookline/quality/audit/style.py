"""How the report looks, by day and by night, on a screen and on paper."""

STYLE = """
:root{color-scheme:light dark;--ink:#1c2024;--quiet:#60646c;--paper:#fff;--card:#f7f8f9;--line:#d9dce1;
--good:#18794e;--bad:#c62a2f;--warn:#ad5700;--cool:#3358d4;--goodbg:#e3f6ec;--badbg:#fdebec;--warnbg:#fdf0dd;--coolbg:#e9eefc}
@media(prefers-color-scheme:dark){:root{--ink:#edeef0;--quiet:#a1a6ae;--paper:#111315;--card:#191b1e;--line:#33373d;
--good:#4cc38a;--bad:#ff8589;--warn:#ffb454;--cool:#9eb1ff;--goodbg:#11291d;--badbg:#351618;--warnbg:#33240c;--coolbg:#1a2240}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:72rem;margin:0 auto;padding:2rem 1.25rem 4rem}h1{margin:0;font-size:1.7rem;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2rem 0 .75rem;overflow-wrap:anywhere}h3{font-size:1rem;margin:0 0 .75rem}
header{border-left:.35rem solid var(--line);padding:.1rem 0 .1rem 1rem;margin-bottom:1.25rem}
header.passed{border-color:var(--good)}header.failed,header.unanswered{border-color:var(--warn)}header.refused{border-color:var(--bad)}
.kicker{margin:0;color:var(--quiet);font-size:.8rem;letter-spacing:.06em;text-transform:uppercase}.verdict{margin:.4rem 0 0}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:.6rem 1.25rem;margin:0 0 1rem}
.facts dt{color:var(--quiet);font-size:.8rem}.facts dd{margin:0;overflow-wrap:anywhere}
article{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1rem;margin:0 0 1rem}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{text-align:left;color:var(--quiet);font-size:.8rem;padding:.25rem 0}
th{text-align:left;font-weight:600;color:var(--quiet);font-size:.8rem;white-space:nowrap}
th,td{padding:.4rem .75rem .4rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td:first-child{min-width:11rem}td code{white-space:nowrap}
td{overflow-wrap:anywhere;min-width:4rem;font-variant-numeric:tabular-nums}code{font:.85em ui-monospace,Consolas,monospace}
.badge{display:inline-block;padding:0 .5rem;border-radius:1rem;font-size:.8rem;font-weight:600;
background:var(--coolbg);color:var(--cool);white-space:nowrap}
.badge.passed,.badge.mended{background:var(--goodbg);color:var(--good)}
.badge.failed,.badge.unanswered,.badge.error,.badge.skipped{background:var(--warnbg);color:var(--warn)}
.badge.refused,.badge.broken{background:var(--badbg);color:var(--bad)}
.quiet,footer,figcaption{color:var(--quiet);font-size:.85rem}footer{margin-top:3rem}
.marks{display:inline-flex;gap:2px;flex-wrap:wrap;max-width:11rem}.mark{width:8px;height:14px;border-radius:2px;background:var(--line)}
.mark.passed{background:var(--good)}.mark.failed{background:var(--bad)}.mark.error,.mark.skipped{background:var(--warn)}
figure{margin:0 0 1rem}rect.rows{fill:var(--cool)}rect.aside{fill:var(--bad)}
.notes ul{margin:0;padding-left:1.1rem}
@media print{body{font-size:11px}article{break-inside:avoid}}
"""
