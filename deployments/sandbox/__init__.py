"""The sandbox: a simulation of Render and Vercel as one WSGI app. `server/app.py` shows how to use it."""
