"""One module for each subject: its figures, made of rows and of how they are looked at; pages and report share them."""
