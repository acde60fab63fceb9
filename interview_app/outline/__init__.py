"""What a résumé is made of: sections and their entries, found in its text by rules, without AI.

Plain Python over lines; time grows with the text. A person sees what was found and corrects it.
"""
