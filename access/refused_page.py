"""The page on which a browser ends that came back from the provider without the second factor that this service asks for."""

from fastapi.responses import HTMLResponse

_PAGE = """<!doctype html>
<html lang="ja"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>二段階の認証が必要です — 窓口</title>
<main>
<h1>二段階の認証が必要です</h1>
<p>パスワードのほかに、もう一つの認証（認証アプリやICカードなど）が必要です。認証方法を登録してから、もう一度ログインしてください。登録の方法は、システム管理者へお問い合わせください。</p>
<p>パスワードだけでは ログインできません。もう一（ひと）つの 確認（かくにん）が 必要（ひつよう）です。わからないときは システム管理者（かんりしゃ）に 聞（き）いて ください。</p>
<p lang="en">Signing in here takes a second factor besides the password. Set one up with the city's provider, then sign in again; the system manager can help.</p>
<p><a href="/login">もう一度ログインする <span lang="en">Sign in again</span></a></p>
</main></html>
"""


def second_factor_page() -> HTMLResponse:
    """403, and what to do."""
    return HTMLResponse(_PAGE, 403)
