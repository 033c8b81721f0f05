"""For the learner: is the machine ready, what is fetched, what is passed."""
