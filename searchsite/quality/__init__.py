"""How well search answers: sets of files and questions, put in, asked and scored. Changes no team's library."""
