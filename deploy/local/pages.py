"""The pages of the local OpenID provider. Braces are doubled for `str.format`."""

PAGE = """<!doctype html>
<html lang="ja"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>ログイン — 窓口</title>
<style>
body {{ font: 1.125rem/1.6 system-ui, sans-serif; max-width: 24rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }}
label {{ display: block; margin-top: 1rem; font-weight: 600 }}
input {{ width: 100%; box-sizing: border-box; font: inherit; padding: .6rem; border: 1px solid #595959; border-radius: .3rem }}
button {{ width: 100%; font: inherit; padding: .7rem; margin-top: 1.5rem; color: #fff; background: #004b87; border: 0; border-radius: .3rem }}
:focus-visible {{ outline: 3px solid #b85c00; outline-offset: 2px }}
.wrong {{ border-left: .4rem solid #b00020; padding: .3rem .8rem }}
</style>
<main><h1>職員ログイン</h1>
<p>職員番号とパスワードを入力してください。<br>番号（ばんごう）と パスワードを 入（い）れて ください。<br><span lang="en">Sign in with your staff name and password.</span></p>
{wrong}
<form method="post" action="/authorize">{hidden}
<label for="staff">職員番号 <span lang="en">Staff</span></label>
<input id="staff" name="staff" autocomplete="username" autocapitalize="none" required autofocus>
<label for="password">パスワード <span lang="en">Password</span></label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button>ログインする <span lang="en">Sign in</span></button>
</form></main></html>
"""
WRONG = """<p class="wrong" role="alert">職員番号またはパスワードが正しくありません。もう一度入力してください。
<span lang="en">Wrong name or password: try again.</span></p>"""
