"""The pages on which a browser ends that came back from the provider with a sign-in that is not enough here."""

from fastapi.responses import HTMLResponse

_PAGE = """<!doctype html>
<html lang="ja"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} — 窓口</title>
<main>
<h1>{title}</h1>
<p>{ja}</p>
<p>{easy}</p>
<p lang="en">{en}</p>
<p><a href="{link}">もう一度ログインする <span lang="en">Sign in again</span></a></p>
</main></html>
"""


def second_factor_page() -> HTMLResponse:
    """No second factor, which this service asks for. 403, and what to do."""
    page = _PAGE.format(
        title="二段階の認証が必要です",
        ja="パスワードのほかに、もう一つの認証（認証アプリやICカードなど）が必要です。認証方法を登録してから、もう一度ログインしてください。登録の方法は、システム管理者へお問い合わせください。",
        easy="パスワードだけでは ログインできません。もう一（ひと）つの 確認（かくにん）が 必要（ひつよう）です。わからないときは システム管理者（かんりしゃ）に 聞（き）いて ください。",
        en="Signing in here takes a second factor besides the password. Set one up with the city's provider, then sign in again; the system manager can help.",
        link="/login",
    )
    return HTMLResponse(page, 403)


def stale_page() -> HTMLResponse:
    """Signed in at the provider longer ago than a session may last. 403, and what to do: the link has the provider ask again."""
    page = _PAGE.format(
        title="もう一度ログインしてください",
        ja="前回の認証から時間がたっているため、ログインし直す必要があります。下のリンクから、もう一度パスワードなどで認証してください。",
        easy="前（まえ）に ログインしてから 時間（じかん）が たちました。下（した）の リンクから もう一度（いちど） ログインして ください。",
        en="You signed in at the city's provider too long ago. Use the link below: you will be asked for your password again.",
        link="/login?again=true",
    )
    return HTMLResponse(page, 403)
