"""The look of `report.html`; light or dark as the reader's system has it."""

from __future__ import annotations

STYLE = """
:root{--ink:#1c2430;--soft:#5b6675;--line:#dfe4ea;--ground:#fff;--band:#f6f8fa;--good:#1f9d6b;--bad:#d1483f}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9aa5b4;--line:#333c48;--ground:#14181f;--band:#1c222b}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"DejaVu Sans",sans-serif}
main{max-width:1180px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:28px;line-height:1.25;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:20px;margin:40px 0 12px;padding-top:12px;border-top:1px solid var(--line)}
h3{font-size:16px;margin:24px 0 8px}
.summary,.note{color:var(--soft);margin:4px 0}.summary b{color:var(--ink)}.note{font-size:13px}
.chart{display:grid;grid-template-columns:minmax(8rem,16rem) 1fr;gap:14px 18px;margin:12px 0}
.chart dt{text-align:right;color:var(--ink);overflow-wrap:anywhere}
.chart p{display:grid;grid-template-columns:minmax(5rem,11rem) 1fr 4rem;gap:10px;align-items:center;margin:0 0 4px}
.name{color:var(--soft);overflow-wrap:anywhere;line-height:1.25}.value{font-variant-numeric:tabular-nums}
.track{position:relative;height:16px;background:var(--band);border-radius:2px}
.track i{position:absolute;inset:0 auto 0 0;border-radius:2px}
.track s{position:absolute;top:4px;height:8px;border:solid var(--ink);border-width:0 1.4px}
.track s::before{content:"";position:absolute;top:3.3px;left:0;right:0;border-top:1.4px solid var(--ink)}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th{font-weight:600;text-align:left;color:var(--soft);border-bottom:2px solid var(--line)}
th,td{padding:6px 9px;vertical-align:top}
td{border-bottom:1px solid var(--line)}tbody tr:hover{background:var(--band)}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
small{color:var(--soft);font-size:12px}
details{margin:12px 0}summary{cursor:pointer;color:var(--soft)}
article{border:1px solid var(--line);border-radius:10px;padding:14px 16px;margin:12px 0;break-inside:avoid}
h4{font-size:15px;margin:0}
.scores{margin:4px 0 10px;color:var(--soft);font-size:13px;display:flex;flex-wrap:wrap;gap:4px 16px}
.scores b{color:var(--ink)}.id{margin-left:auto}
.pages{display:flex;flex-wrap:wrap;gap:12px 28px}
h5{font-size:12px;text-transform:uppercase;letter-spacing:.06em;color:var(--soft);margin:0 0 6px;font-weight:600}
figure{display:inline-block;width:150px;margin:0 8px 8px 0;vertical-align:top}
figure img,.none{width:100%;max-height:220px;object-fit:contain;object-position:top;border:1px solid var(--line);
border-radius:4px;background:#fff;display:block}
/* A click, a tap or the space bar shows the page large, and puts it back. */
.page{display:block;cursor:zoom-in}.page input{position:absolute;opacity:0}
.page input:focus-visible+img{outline:3px solid var(--ink)}
.page input:checked+img{position:fixed;inset:2vmin;margin:auto;width:auto;height:auto;max-width:96vw;max-height:96vh;
min-height:80vh;z-index:9;cursor:zoom-out;box-shadow:0 0 0 200vmax #000c}
blockquote{margin:8px 0 0;padding-left:10px;border-left:3px solid var(--line);color:var(--soft);font-size:13.5px;
overflow-wrap:anywhere}
.beside{display:grid;grid-template-columns:minmax(160px,1fr) 3fr;gap:12px 28px}
.crop{display:block;width:auto;margin:0 0 14px}.crop img{max-height:none}.crop q{font-size:13.5px}
.none{padding:30px 8px;text-align:center;color:#5b6675;font-size:12px}
.hit img{outline:3px solid var(--good)}.miss img{opacity:.92;outline:1px solid var(--bad)}
figcaption{font-size:11.5px;line-height:1.3;color:var(--soft);margin-top:4px;overflow-wrap:anywhere;
display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:3;overflow:hidden}
dl:not(.chart){display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;font-size:13.5px}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
@media(max-width:640px){main{padding:20px 14px}.beside{display:block}dl:not(.chart),.chart{display:block}
dd{margin-bottom:8px}.chart dt{text-align:left}}
"""
